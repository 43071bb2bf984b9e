// The panel of scenes: one card each, with its narration.

import { h, reconcile, reveal, setText, toggleAttribute } from './dom.js'
import { clock, clamp, plural, round } from './format.js'
import { icon } from './icons.js'
import { Narration } from './narration.js'
import { Reorder } from './reorder.js'
import { face, iconButton, openMenu } from './widgets.js'

export class ScenesPanel {
  #narrations = new Map()
  #revealed = null

  constructor(editor) {
    this.editor = editor
    this.total = h('span', { class: 'quiet small' })
    this.list = h('ol', { class: 'scene-list', 'aria-label': 'Scenes' })
    this.add = h('button', { type: 'button', class: 'add-scene', on: { click: () => this.addAfter(null) } }, icon('add'), 'Add scene')
    this.scroll = h('div', { class: 'scene-scroll' }, this.list, this.add)
    this.element = h('section', { class: 'panel scenes', 'aria-label': 'Scenes' }, h('div', { class: 'panel-head' }, h('h2', {}, 'Scenes'), this.total), this.scroll)
    this.reorder = new Reorder(this.list, '.scene-card', (id, index) => this.#moved(id, index), () => !editor.project.readOnly)
  }

  close() {
    for (const narration of this.#narrations.values()) narration.close()
    this.reorder.close()
  }

  update() {
    const { project, selection } = this.editor
    this.add.hidden = project.readOnly
    setText(this.total, `${plural(project.scenes.length, 'scene')} · ${clock(project.duration, false)}`)
    reconcile(this.list, project.scenes, (scene) => scene.id, (scene) => this.#create(scene), (card, scene) => this.#show(card, scene, selection))
    for (const [id, narration] of this.#narrations) {
      if (!project.scene(id)) {
        narration.close()
        this.#narrations.delete(id)
      }
    }
    if (this.#revealed !== selection.scene) {
      this.#revealed = selection.scene
      reveal(this.scroll, this.list.querySelector('[aria-current]'))
    }
    this.updatePresence()
  }

  updatePresence() {
    const { others } = this.editor.presence
    for (const card of this.list.children) {
      const here = others.filter((other) => other.at.scene === card.dataset.key)
      const shown = here.map((other) => other.client + other.name).join()
      if (card.dataset.here !== shown) {
        card.dataset.here = shown
        card.querySelector('.scene-here').replaceChildren(...here.slice(0, 4).map((other) => face(other.name, other.colour, 'tiny')))
      }
      this.#narrations.get(card.dataset.key)?.showCarets(others)
    }
  }

  addAfter(id) {
    const { project, selection } = this.editor
    const after = project.scenes.findIndex((scene) => scene.id === id)
    const made = project.addScene(after < 0 ? project.scenes.length : after + 1)
    selection.select(made)
    this.editor.update.now()
    this.#narrations.get(made)?.input.focus()
  }

  delete(id) {
    const { project } = this.editor
    const scene = project.scene(id)
    if (!scene || project.readOnly) return
    project.deleteScene(id)
    this.editor.offerUndo(`Scene ${scene.number} is deleted.`)
  }

  #create(scene) {
    const { selection } = this.editor
    const narration = new Narration(this.editor, scene.id)
    this.#narrations.set(scene.id, narration)
    const more = iconButton('menu', 'More', () => this.#menu(more, scene.id), { class: 'small' })
    const duration = h('input', { class: 'scene-duration', type: 'number', min: 0.1, max: 3600, step: 0.1, on: { change: (event) => this.#setDuration(scene.id, event.target) } })
    return h(
      'li',
      { class: 'scene-card', on: { pointerdown: () => selection.select(scene.id), focusin: () => selection.select(scene.id) } },
      h(
        'div',
        { class: 'scene-head' },
        h('button', { type: 'button', class: 'grip', on: { keydown: (event) => this.#key(event, scene.id) } }, icon('drag', 14)),
        h('span', { class: 'scene-number' }),
        h('span', { class: 'scene-here' }),
        h('span', { class: 'grow' }),
        h('label', { class: 'scene-time' }, duration, h('span', { 'aria-hidden': 'true' }, 's')),
        more,
      ),
      narration.element,
    )
  }

  #show(card, scene, selection) {
    const { readOnly } = this.editor.project
    toggleAttribute(card, 'aria-current', scene.id === selection.scene, 'true')
    setText(card.querySelector('.scene-number'), String(scene.number))
    const grip = card.querySelector('.grip')
    grip.setAttribute('aria-label', `Move scene ${scene.number}; arrow keys up and down`)
    grip.hidden = readOnly
    card.querySelector('.icon-button').setAttribute('aria-label', `More for scene ${scene.number}`)
    card.querySelector('.icon-button').hidden = readOnly
    const duration = card.querySelector('.scene-duration')
    duration.setAttribute('aria-label', `Seconds of scene ${scene.number}`)
    duration.disabled = readOnly
    if (document.activeElement !== duration) duration.value = round(scene.duration)
    this.#narrations.get(scene.id).update(scene)
  }

  #setDuration(id, input) {
    const seconds = Number(input.value)
    if (seconds > 0) this.editor.project.setScene(id, { duration: clamp(round(seconds), 0.1, 86_400) })
    this.editor.update()
  }

  #moved(id, index) {
    this.editor.project.moveScene(id, index)
    this.editor.announce(`Moved to place ${index + 1}.`)
  }

  #key(event, id) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    if (!step) return
    event.preventDefault()
    const { scenes } = this.editor.project
    const index = scenes.findIndex((scene) => scene.id === id) + step
    if (index >= 0 && index < scenes.length) this.#moved(id, index)
  }

  #menu(anchor, id) {
    const { project, selection } = this.editor
    const index = project.scenes.findIndex((scene) => scene.id === id)
    openMenu(anchor, [
      { label: 'Add a scene after it', iconName: 'add', action: () => this.addAfter(id) },
      { label: 'Duplicate', iconName: 'copy', action: () => selection.select(project.duplicateScene(id)) },
      { label: 'Move up', iconName: 'upload', disabled: index === 0, action: () => this.#moved(id, index - 1) },
      { label: 'Move down', iconName: 'download', disabled: index === project.scenes.length - 1, action: () => this.#moved(id, index + 1) },
      null,
      { label: 'Delete', iconName: 'trash', danger: true, action: () => this.delete(id) },
    ])
  }
}
