// The canvas: the scene as it will look, things on it to drag, and the pointers of others.

import { everyFrame, h, reconcile, setText, Subscriptions } from './dom.js'
import { clamp, clock, round } from './format.js'
import { icon } from './icons.js'
import { number, shapeLook } from './looks.js'
import { paintScene, sizeOf } from './paint.js'
import { iconButton, relabel } from './widgets.js'

const SNAP_PERCENT = 1.2
const SNAP_DEGREES = 4
const TURN_PIXELS = 30
const PLACED = ['text', 'media', 'shape', 'avatar']

export class Stage {
  #boxes = new Map()
  #drag = null
  #end = new Subscriptions()

  constructor(editor) {
    this.editor = editor
    const { player } = editor
    this.canvas = h('canvas', { class: 'stage-canvas', role: 'img' })
    this.frame = h('div', { class: 'stage-selection', hidden: true }, h('span', { class: 'stage-handle', 'aria-hidden': 'true' }), h('span', { class: 'stage-turn', 'aria-hidden': 'true' }))
    this.guides = [h('span', { class: 'guide upright', hidden: true }), h('span', { class: 'guide level', hidden: true })]
    this.pointers = h('div', { class: 'pointers', 'aria-hidden': 'true' })
    this.surface = h('div', { class: 'stage-surface', tabindex: 0, role: 'group', 'aria-label': 'Canvas; arrow keys move the selected layer' }, this.canvas, this.frame, ...this.guides, this.pointers)
    this.play = iconButton('play', 'Play', () => player.toggle(), { class: 'play' })
    this.time = h('span', { class: 'stage-time' })
    this.area = h('div', { class: 'stage-area' }, this.surface)
    this.element = h(
      'section',
      { class: 'stage', 'aria-label': 'Preview' },
      this.area,
      h(
        'div',
        { class: 'transport' },
        iconButton('previous', 'Scene before', () => player.skip(-1)),
        this.play,
        iconButton('next', 'Next scene', () => player.skip(1)),
        this.time,
      ),
    )
    this.paint = everyFrame(() => this.#paint())
    this.#end.on(player, 'change', this.paint)
    this.#end.on(editor.assets, 'change', this.paint)
    this.#end.on(this.surface, 'pointerdown', (event) => this.#down(event))
    this.#end.on(this.surface, 'pointermove', (event) => this.#move(event))
    this.#end.on(this.surface, 'pointerup', () => this.#up())
    this.#end.on(this.surface, 'pointercancel', () => this.#up())
    this.#end.on(this.surface, 'pointerleave', () => editor.presence.pointOnCanvas(null))
    this.#end.on(this.surface, 'keydown', (event) => this.#key(event))
    this.resize = new ResizeObserver(() => this.#fit())
    this.resize.observe(this.area)
    document.fonts.load('400 20px Inter').then(() => this.paint())
  }

  close() {
    this.paint.cancel()
    this.resize.disconnect()
    this.#end.close()
  }

  update() {
    this.#fit()
    this.updatePresence()
  }

  updatePresence() {
    const { presence, selection } = this.editor
    const here = presence.others.filter(({ pointer, at }) => at.scene === selection.scene && Number.isFinite(pointer?.x) && Number.isFinite(pointer?.y))
    reconcile(
      this.pointers,
      here,
      (other) => String(other.client),
      () => h('span', { class: 'pointer' }, icon('pointer', 18), h('span', { class: 'pointer-name' })),
      (element, other) => {
        element.style.setProperty('--face', other.colour)
        element.style.left = `${clamp(other.pointer.x, 0, 100)}%`
        element.style.top = `${clamp(other.pointer.y, 0, 100)}%`
        setText(element.lastChild, other.name)
      },
    )
  }

  #fit() {
    const box = this.area.getBoundingClientRect()
    const { ratio } = this.editor.project.video
    const size = sizeOf(ratio, 1000)
    const scale = Math.min((box.width - 32) / size.width, (box.height - 24) / size.height)
    if (!(scale > 0)) return
    this.surface.style.width = `${size.width * scale}px`
    this.surface.style.height = `${size.height * scale}px`
    const dense = Math.min(devicePixelRatio || 1, 2)
    const pixels = sizeOf(ratio, Math.max(180, Math.min(1080, Math.min(size.width, size.height) * scale * dense)))
    if (this.canvas.width !== pixels.width || this.canvas.height !== pixels.height) Object.assign(this.canvas, pixels)
    this.paint()
  }

  #paint() {
    const { project, player, selection, assets } = this.editor
    const scene = project.scene(selection.scene)
    const context = this.canvas.getContext('2d')
    const label = player.playing ? 'Pause' : 'Play'
    relabel(this.play, player.playing ? 'pause' : 'play', label)
    if (!scene) {
      context.fillStyle = project.video.background
      context.fillRect(0, 0, this.canvas.width, this.canvas.height)
      this.frame.hidden = true
      setText(this.time, clock(0))
      return
    }
    if (player.time > scene.duration) player.time = scene.duration
    const moment = Math.min(player.time, scene.duration - 0.001)
    this.#boxes = paintScene(context, project.video, scene, moment, assets, { playing: player.playing, neighbours: project.neighbours(scene) })
    this.canvas.setAttribute('aria-label', `Scene ${scene.number} at ${clock(player.time)}`)
    setText(this.time, `${clock(scene.start + player.time)} / ${clock(project.duration)}`)
    this.#frameSelected(player)
  }

  #frameSelected(player) {
    const layer = this.editor.project.layer(this.editor.selection.layer)
    const box = this.#boxes.get(layer?.id)
    this.frame.hidden = !box || player.playing
    if (this.frame.hidden) return
    const { width, height } = this.canvas
    this.frame.style.left = `${(box.x / width) * 100}%`
    this.frame.style.top = `${(box.y / height) * 100}%`
    this.frame.style.width = `${(box.width / width) * 100}%`
    this.frame.style.height = `${(box.height / height) * 100}%`
    this.frame.style.transform = `rotate(${box.rotation}deg)`
    const [handle, turn] = this.frame.children
    handle.hidden = this.editor.project.readOnly
    turn.hidden = handle.hidden || layer.type !== 'shape'
    turn.classList.toggle('below', box.y * (this.surface.clientHeight / height) < TURN_PIXELS)
  }

  #at(event) {
    const box = this.surface.getBoundingClientRect()
    return { x: ((event.clientX - box.left) / box.width) * 100, y: ((event.clientY - box.top) / box.height) * 100, box }
  }

  #down(event) {
    if (event.button !== 0) return
    this.paint.now() // what is hit is what is there now
    const { project, selection } = this.editor
    const at = this.#at(event)
    const handle = ['stage-handle', 'stage-turn'].find((name) => event.target.classList.contains(name)) ?? null
    const id = handle ? selection.layer : this.#hit(at)
    selection.select(selection.scene, id)
    const layer = project.layer(id)
    if (!layer || project.readOnly || !PLACED.includes(layer.type)) return
    this.surface.setPointerCapture(event.pointerId)
    const { x = 50, y = 50 } = layer.properties.position ?? {}
    this.#drag = { id, at, x: Number(x), y: Number(y), handle, layer, began: false }
  }

  #hit({ x, y }) {
    const point = { x: (x / 100) * this.canvas.width, y: (y / 100) * this.canvas.height }
    const inside = ([, box]) => {
      const turn = (-box.rotation * Math.PI) / 180
      const [across, down] = [point.x - box.x - box.width / 2, point.y - box.y - box.height / 2]
      return Math.abs(across * Math.cos(turn) - down * Math.sin(turn)) <= box.width / 2 && Math.abs(across * Math.sin(turn) + down * Math.cos(turn)) <= box.height / 2
    }
    return [...this.#boxes].reverse().find(inside)?.[0] ?? null
  }

  #move(event) {
    const at = this.#at(event)
    this.editor.presence.pointOnCanvas({ x: round(at.x, 1), y: round(at.y, 1) })
    const drag = this.#drag
    if (!drag) return
    const dx = at.x - drag.at.x
    const dy = at.y - drag.at.y
    if (!drag.began && Math.hypot(dx * at.box.width, dy * at.box.height) < 300) return
    const options = { apart: !drag.began }
    drag.began = true
    const from = (point) => [((point.x - drag.x) * at.box.width) / 100, ((point.y - drag.y) * at.box.height) / 100]
    if (drag.handle === 'stage-handle') {
      const reach = (point) => Math.max(1, Math.hypot(...from(point)))
      this.editor.project.setProperties(drag.id, resized(drag.layer, reach(at) / reach(drag.at)), options)
      return
    }
    if (drag.handle === 'stage-turn') {
      const angle = (point) => (Math.atan2(...from(point).reverse()) * 180) / Math.PI
      const turned = number(drag.layer.properties, 'rotation', 0, -3600, 3600) + angle(at) - angle(drag.at)
      this.editor.project.setProperties(drag.id, { rotation: wholeTurn(turned, event.altKey ? 0 : SNAP_DEGREES) }, options)
      return
    }
    const free = event.altKey
    const snap = (value) => (!free && Math.abs(value - 50) < SNAP_PERCENT ? 50 : round(clamp(value, -100, 200), 1))
    const position = { x: snap(drag.x + dx), y: snap(drag.y + dy) }
    this.guides[0].hidden = position.x !== 50
    this.guides[1].hidden = position.y !== 50
    this.editor.project.setProperties(drag.id, { position }, options)
  }

  #up() {
    this.#drag = null
    for (const guide of this.guides) guide.hidden = true
  }

  #key(event) {
    const { project, selection } = this.editor
    const layer = project.layer(selection.layer)
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? []
    if (dx === undefined || !layer || !PLACED.includes(layer.type) || project.readOnly) return
    event.preventDefault()
    event.stopPropagation()
    const step = event.shiftKey ? 5 : 0.5
    const { x = 50, y = 50 } = layer.properties.position ?? {}
    project.setProperties(layer.id, { position: { x: round(Number(x) + dx * step, 1), y: round(Number(y) + dy * step, 1) } })
  }
}

/** The properties that make a layer `factor` times as large. */
function resized({ type, properties }, factor) {
  const scaled = (name, usual, low, high, digits) => ({ [name]: clamp(round(number(properties, name, usual, low, high) * factor, digits), low, high) })
  if (type === 'text') return scaled('font_size', 32, 8, 400, 0)
  if (type !== 'shape') return scaled('scale', 1, 0.05, 10, 2)
  const drawn = ['line', 'arrow'].includes(shapeLook(properties).shape)
  return { ...scaled('width', 30, 1, 400, 1), ...scaled('height', drawn ? 0 : 30, 0, 400, 1) }
}

/** An angle as -180 to 180 whole degrees, an eighth of a turn if it is that near to one. */
function wholeTurn(degrees, near) {
  const eighth = Math.round(degrees / 45) * 45
  const whole = Math.round(Math.abs(degrees - eighth) <= near ? eighth : degrees)
  return whole - 360 * Math.round(whole / 360)
}
