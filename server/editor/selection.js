// What is selected, and where in it the film stands. Event: `change`.

export class Selection extends EventTarget {
  scene = null
  layer = null

  select(scene, layer = null) {
    if (this.scene === scene && this.layer === layer) return
    this.scene = scene
    this.layer = layer
    this.dispatchEvent(new Event('change'))
  }

  /** Keep to what there is: after a deletion, the neighbour. */
  settle(project) {
    const scenes = project.scenes
    const known = scenes.some((scene) => scene.id === this.scene)
    if (known) {
      this.index = scenes.findIndex((scene) => scene.id === this.scene)
      if (this.layer && !project.layer(this.layer)) this.select(this.scene)
    } else this.select(scenes[Math.min(this.index ?? 0, scenes.length - 1)]?.id ?? null)
  }
}
