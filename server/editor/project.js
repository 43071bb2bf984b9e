// The shared document of one video: how it is read, and every change that this page makes.

import { clamp, round } from './format.js'
import { compare, keyAt } from './order.js'
import { replaceText } from './shared-text.js'
import { Y } from './vendor/collaboration.js'

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
export const LAYER_TYPES = ['text', 'media', 'shape', 'avatar', 'audio', 'voiceover', 'effect']
export const SHORTEST = 0.1

/**
 * The document. Event: `change`, after each transaction that touched it.
 *
 * `scenes` are `{id, map, order, number, text, duration, start, layers}`, `layers` of a scene
 * `{id, map, order, type, name, enabled, start, duration, properties}`, in order, as values: they
 * are read anew after a change.
 */
export class Project extends EventTarget {
  #scenes = null
  readOnly = true

  constructor() {
    super()
    this.doc = new Y.Doc()
    this.videoMap = this.doc.getMap('video')
    this.sceneMap = this.doc.getMap('scenes')
    this.origin = { by: 'this page' }
    this.undo = new Y.UndoManager([this.sceneMap, this.videoMap], { trackedOrigins: new Set([this.origin]), captureTimeout: 500 })
    const changed = () => {
      this.#scenes = null
      this.dispatchEvent(new Event('change'))
    }
    this.sceneMap.observeDeep(changed)
    this.videoMap.observe(changed)
  }

  close() {
    this.undo.destroy()
    this.doc.destroy()
  }

  get video() {
    const { videoMap: map } = this
    const ratio = map.get('aspect_ratio')
    const background = map.get('background')
    return {
      title: String(map.get('title') ?? ''),
      ratio: /^(16:9|9:16|1:1|4:5)$/.test(ratio) ? ratio : '16:9',
      background: /^#[0-9a-fA-F]{6}$/.test(background) ? background : '#000000',
    }
  }

  get scenes() {
    this.#scenes ??= this.#read()
    return this.#scenes
  }

  get duration() {
    const last = this.scenes.at(-1)
    return last ? last.start + last.duration : 0
  }

  scene(id) {
    return this.scenes.find((scene) => scene.id === id) ?? null
  }

  /** The scenes before and after one, or null. */
  neighbours({ number }) {
    return { before: this.scenes[number - 2] ?? null, after: this.scenes[number] ?? null }
  }

  layer(id) {
    for (const scene of this.scenes) {
      const layer = scene.layers.find((one) => one.id === id)
      if (layer) return layer
    }
    return null
  }

  /** Change the document in one step; `apart` begins a new step of undo. */
  change(edit, { apart = true } = {}) {
    if (this.readOnly) return undefined
    if (apart) this.undo.stopCapturing()
    return this.doc.transact(edit, this.origin)
  }

  setVideo(fields) {
    this.change(() => assign(this.videoMap, fields), { apart: false })
  }

  addScene(index = this.scenes.length) {
    const id = crypto.randomUUID()
    this.change(() => {
      const order = keyAt(this.scenes, index)
      const fields = { order, text: new Y.Text(), duration: 5, is_expanded: false, layers: new Y.Map() }
      this.sceneMap.set(id, new Y.Map(Object.entries(fields)))
    })
    return id
  }

  duplicateScene(id) {
    const made = crypto.randomUUID()
    this.change(() => {
      const scenes = this.scenes
      const at = scenes.findIndex((scene) => scene.id === id)
      if (at < 0) return
      const copy = clone(scenes[at].map, { layers: (layers) => new Y.Map([...layers].map(([, layer]) => [crypto.randomUUID(), clone(layer)])) })
      copy.set('order', keyAt(scenes, at + 1))
      this.sceneMap.set(made, copy)
    })
    return made
  }

  deleteScene(id) {
    this.change(() => this.sceneMap.delete(id))
  }

  moveScene(id, index) {
    this.#move(this.scenes, id, index)
  }

  setScene(id, fields) {
    this.change(() => assign(this.scene(id)?.map, fields), { apart: false })
  }

  addLayer(sceneId, type, name, properties, span = {}) {
    const scene = this.scene(sceneId)
    const id = crypto.randomUUID()
    if (!scene) return null
    this.change(() => {
      const start = clamp(span.start ?? 0, 0, scene.duration)
      const fields = {
        order: keyAt(scene.layers, scene.layers.length),
        type,
        name: name.slice(0, 255),
        enabled: true,
        start_time: round(start),
        duration: round(Math.max(SHORTEST, Math.min(span.duration ?? scene.duration, scene.duration - start || scene.duration))),
        properties: new Y.Map(Object.entries(properties).map(([key, value]) => [key, key === 'text' ? new Y.Text(value) : value])),
      }
      layersOf(scene).set(id, new Y.Map(Object.entries(fields)))
    })
    return id
  }

  duplicateLayer(id) {
    const made = crypto.randomUUID()
    this.change(() => {
      const layer = this.layer(id)
      const scene = this.scene(layer?.scene)
      if (!scene) return
      const copy = clone(layer.map)
      copy.set('order', keyAt(scene.layers, scene.layers.findIndex((one) => one.id === id) + 1))
      layersOf(scene).set(made, copy)
    })
    return made
  }

  deleteLayer(id) {
    const layer = this.layer(id)
    if (layer) this.change(() => layersOf(this.scene(layer.scene)).delete(id))
  }

  moveLayer(id, index) {
    this.#move(this.scene(this.layer(id)?.scene)?.layers ?? [], id, index)
  }

  /** Set fields of a layer; a gesture is many calls with `apart` only at its start. */
  setLayer(id, fields, options = { apart: false }) {
    this.change(() => assign(this.layer(id)?.map, fields), options)
  }

  setProperties(id, fields, options = { apart: false }) {
    this.change(() => {
      const map = this.layer(id)?.map
      if (!map) return
      const properties = propertiesOf(map)
      for (const [key, value] of Object.entries(fields)) {
        const known = properties.get(key)
        if (known instanceof Y.Text && typeof value === 'string') replaceText(known, value)
        else if (value === null) properties.delete(key)
        else properties.set(key, value)
      }
    }, options)
  }

  /** The text at a key, made into one that several people can type in if it is none. */
  shareText(map, key) {
    const value = map.get(key)
    if (!(value instanceof Y.Text)) this.change(() => map.set(key, new Y.Text(String(value ?? ''))), { apart: false })
    return map.get(key)
  }

  /** A layer's text property, made shared as `shareText` does. */
  shareProperty(id, key) {
    const map = this.layer(id)?.map
    return map ? this.shareText(propertiesOf(map), key) : undefined
  }

  /** What is stored under a layer's property: for texts, the shared text itself. */
  property(id, key) {
    const properties = this.layer(id)?.map.get('properties')
    return properties instanceof Y.Map ? properties.get(key) : undefined
  }

  #move(items, id, index) {
    const from = items.findIndex((item) => item.id === id)
    if (from < 0 || from === index) return
    this.change(() => {
      const others = items.filter((item) => item.id !== id)
      items[from].map.set('order', keyAt(others, clamp(index, 0, others.length)))
    })
  }

  #read() {
    const found = entries(this.sceneMap).sort(compare)
    let start = 0
    return found.map(({ id, map, order }, index) => {
      const duration = number(map.get('duration'), 5, 0.01)
      const layers = map.get('layers') instanceof Y.Map ? entries(map.get('layers')) : []
      const scene = {
        id, map, order, duration, start,
        number: index + 1,
        text: map.get('text'),
        layers: layers.filter((layer) => LAYER_TYPES.includes(layer.map.get('type'))).sort(compare).map((layer) => readLayer(layer, id, duration)),
      }
      start += duration
      return scene
    })
  }
}

/** The words of a scene's narration, whatever holds them. */
export function narrationOf(scene) {
  return scene.text === undefined ? '' : String(scene.text)
}

function readLayer({ id, map, order }, scene, sceneDuration) {
  const properties = map.get('properties')
  return {
    id, map, order, scene,
    type: map.get('type'),
    name: typeof map.get('name') === 'string' ? map.get('name') : map.get('type'),
    enabled: map.get('enabled') !== false,
    start: number(map.get('start_time'), 0, 0),
    duration: number(map.get('duration'), sceneDuration, 0.01),
    properties: properties instanceof Y.Map ? properties.toJSON() : {},
  }
}

function entries(map) {
  return [...map].filter(([id, value]) => ID.test(id) && value instanceof Y.Map).map(([id, value]) => ({ id, map: value, order: value.get('order') }))
}

function layersOf(scene) {
  if (!(scene.map.get('layers') instanceof Y.Map)) scene.map.set('layers', new Y.Map())
  return scene.map.get('layers')
}

function propertiesOf(map) {
  if (!(map.get('properties') instanceof Y.Map)) map.set('properties', new Y.Map())
  return map.get('properties')
}

function assign(map, fields) {
  for (const [key, value] of Object.entries(fields)) {
    if (map && map.get(key) !== value) map.set(key, value)
  }
}

function clone(value, special = {}) {
  if (value instanceof Y.Map) return new Y.Map([...value].map(([key, inner]) => [key, inner instanceof Y.Map && special[key] ? special[key](inner) : clone(inner)]))
  if (value instanceof Y.Text) return new Y.Text(value.toString())
  if (value instanceof Y.Array) return Y.Array.from(value.toArray().map((inner) => clone(inner)))
  return value
}

function number(value, fallback, low) {
  return typeof value === 'number' && Number.isFinite(value) ? clamp(value, low, 86_400) : fallback
}
