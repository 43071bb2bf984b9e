// The timeline of the selected scene: its layers as bars over time.

import { h, reconcile, reveal, setText, Subscriptions, toggleAttribute } from './dom.js'
import { clamp, clock, round } from './format.js'
import { icon } from './icons.js'
import { TYPES } from './layer-types.js'
import { LAYER_TYPES, SHORTEST } from './project.js'
import { Reorder } from './reorder.js'
import { ask, face, iconButton, openMenu, relabel } from './widgets.js'

const SNAP_PIXELS = 7
const LEAST_ZOOM = 1
const MOST_ZOOM = 16
const RULER_PIXELS = 28
const MARK_PIXELS = 92 // room for two labels: the last one stands left of its mark

export class Timeline {
  #zoom = 1
  #revealed = null
  #drag = null
  #end = new Subscriptions()

  constructor(editor) {
    this.editor = editor
    this.add = h('button', { type: 'button', class: 'button', 'aria-haspopup': 'menu', on: { click: () => this.#addMenu() } }, icon('add'), 'Add layer')
    this.heading = h('span', { class: 'quiet small' })
    this.ruler = h('div', { class: 'ruler', role: 'slider', tabindex: 0, 'aria-label': 'Time in the scene' })
    this.rows = h('ol', { class: 'layer-rows', 'aria-label': 'Layers' })
    this.head = h('div', { class: 'playhead', 'aria-hidden': 'true' })
    this.snap = h('div', { class: 'snap-line', hidden: true, 'aria-hidden': 'true' })
    this.tracks = h('div', { class: 'tracks' }, h('div', { class: 'ruler-row' }, h('span', { class: 'ruler-gap' }), this.ruler), this.rows, h('div', { class: 'over' }, this.head, this.snap))
    this.scroll = h('div', { class: 'timeline-scroll' }, this.tracks)
    const zoom = (factor) => () => {
      this.#zoom = clamp(this.#zoom * factor, LEAST_ZOOM, MOST_ZOOM)
      this.update()
    }
    this.element = h(
      'section',
      { class: 'panel timeline', 'aria-label': 'Timeline' },
      h('div', { class: 'panel-head' }, h('h2', {}, 'Layers'), this.heading, h('span', { class: 'grow' }), iconButton('zoom-out', 'Zoom out', zoom(1 / 1.5)), iconButton('zoom-in', 'Zoom in', zoom(1.5)), this.add),
      this.scroll,
    )
    this.reorder = new Reorder(this.rows, '.layer-row', (id, index) => this.#moved(id, index), () => !editor.project.readOnly)
    this.#end.on(this.rows, 'pointerdown', (event) => this.#down(event))
    this.#end.on(this.ruler, 'pointerdown', (event) => this.#seek(event))
    this.#end.on(this.ruler, 'keydown', (event) => this.#seekKey(event))
    this.#end.on(editor.player, 'change', () => this.#showHead())
  }

  close() {
    this.reorder.close()
    this.#end.close()
  }

  get scene() {
    return this.editor.project.scene(this.editor.selection.scene)
  }

  update() {
    const { project } = this.editor
    const { scene } = this
    this.add.hidden = project.readOnly
    this.add.disabled = !scene
    this.tracks.style.setProperty('--zoom', this.#zoom)
    setText(this.heading, scene ? `Scene ${scene.number} · ${clock(scene.duration)}` : '')
    this.#drawRuler(scene?.duration ?? 5)
    const focused = [...this.rows.children].findIndex((row) => row.contains(document.activeElement))
    reconcile(this.rows, scene?.layers ?? [], (layer) => layer.id, (layer) => this.#create(layer), (row, layer) => this.#show(row, layer, scene))
    if (focused >= 0 && document.activeElement === document.body) this.#focusNear(focused)
    this.#showHead()
    this.#showSelected()
    this.updatePresence()
  }

  #showSelected() {
    const { layer } = this.editor.selection
    if (layer === this.#revealed) return
    this.#revealed = layer
    reveal(this.scroll, this.rows.querySelector('[aria-current]'), RULER_PIXELS)
  }

  /** Where a row that had the focus has gone, go to the one in its place. */
  #focusNear(index) {
    const row = this.rows.children[Math.min(index, this.rows.children.length - 1)]
    const next = row?.querySelector('.bar-box') ?? this.add
    next.focus({ preventScroll: true })
  }

  updatePresence() {
    const { others } = this.editor.presence
    for (const row of this.rows.children) {
      const here = others.filter((other) => other.at.layer === row.dataset.key)
      const shown = here.map((other) => other.client + other.name).join()
      if (row.dataset.here === shown) continue
      row.dataset.here = shown
      row.querySelector('.layer-here').replaceChildren(...here.slice(0, 2).map((other) => face(other.name, other.colour, 'tiny')))
    }
  }

  #create({ id, type }) {
    const { project, selection } = this.editor
    const visible = iconButton('eye', '', () => project.setLayer(id, { enabled: !project.layer(id).enabled }, { apart: true }), { class: 'small visible' })
    const bar = h('button', { type: 'button', class: 'bar-box', data: { type }, on: { keydown: (event) => this.#barKey(event, id), focus: () => selection.select(selection.scene, id), dblclick: () => this.#rename(id) } }, h('span', { class: 'trim left' }), h('span', { class: 'bar-name' }), h('span', { class: 'trim right' }))
    return h(
      'li',
      { class: 'layer-row' },
      h(
        'div',
        { class: 'layer-label' },
        h('button', { type: 'button', class: 'grip', on: { keydown: (event) => this.#gripKey(event, id) } }, icon('drag', 14)),
        h('span', { class: 'layer-icon', data: { type } }, icon(TYPES[type].icon, 14)),
        h('button', { type: 'button', class: 'layer-name', on: { click: () => selection.select(selection.scene, id), dblclick: () => this.#rename(id) } }),
        h('span', { class: 'layer-here' }),
        visible,
      ),
      h('div', { class: 'track' }, bar),
    )
  }

  #show(row, layer, scene) {
    const { readOnly } = this.editor.project
    const seconds = Math.max(scene.duration, 0.01)
    row.classList.toggle('off', !layer.enabled)
    toggleAttribute(row, 'aria-current', layer.id === this.editor.selection.layer, 'true')
    const bar = row.querySelector('.bar-box')
    bar.style.left = `${Math.min(100, (layer.start / seconds) * 100)}%`
    bar.style.width = `${Math.min(layer.duration / seconds, Math.max(0.005, 1 - layer.start / seconds)) * 100}%`
    bar.setAttribute('aria-label', `${layer.name}: ${clock(layer.start)} to ${clock(layer.start + layer.duration)}; arrow keys move it, with Shift they trim`)
    setText(bar.querySelector('.bar-name'), layer.name)
    const name = row.querySelector('.layer-name')
    setText(name, layer.name || TYPES[layer.type].label)
    const grip = row.querySelector('.grip')
    grip.setAttribute('aria-label', `Move ${layer.name}; arrow keys up and down`)
    grip.hidden = readOnly
    const visible = row.querySelector('.visible')
    relabel(visible, layer.enabled ? 'eye' : 'hidden', `${layer.enabled ? 'Hide' : 'Show'} ${layer.name}`)
    visible.disabled = readOnly
  }

  #drawRuler(seconds) {
    const width = Math.max(200, this.ruler.clientWidth)
    const step = [0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300].find((one) => (one / seconds) * width >= MARK_PIXELS) ?? 600
    const marks = Array.from({ length: Math.min(200, Math.floor(seconds / step) + 1) }, (_, index) => round(index * step))
    reconcile(this.ruler, marks, (mark) => `${mark}/${step}`, (mark) => h('span', { class: 'mark' }, clock(mark, step < 1)), (element, mark) => {
      element.style.left = `${(mark / seconds) * 100}%`
      element.classList.toggle('last', ((seconds - mark) / seconds) * width < 44)
    })
    this.ruler.setAttribute('aria-valuemin', '0')
    this.ruler.setAttribute('aria-valuemax', String(round(seconds)))
  }

  #showHead() {
    const { player } = this.editor
    this.head.style.left = `${(player.time / Math.max(this.scene?.duration ?? 1, 0.01)) * 100}%`
    this.ruler.setAttribute('aria-valuenow', String(round(player.time)))
    this.ruler.setAttribute('aria-valuetext', clock(player.time))
  }

  #secondsAt(event) {
    const box = this.ruler.getBoundingClientRect()
    return ((event.clientX - box.left) / box.width) * (this.scene?.duration ?? 0)
  }

  #seek(event) {
    const { player } = this.editor
    const go = (moved) => player.seek(this.#secondsAt(moved))
    player.pause()
    this.ruler.setPointerCapture(event.pointerId)
    this.ruler.addEventListener('pointermove', go)
    this.ruler.addEventListener('pointerup', () => this.ruler.removeEventListener('pointermove', go), { once: true })
    go(event)
  }

  #seekKey(event) {
    const step = { ArrowLeft: -0.1, ArrowRight: 0.1, PageUp: -1, PageDown: 1, Home: -1e6, End: 1e6 }[event.key]
    if (!step) return
    event.preventDefault()
    this.editor.player.seek(this.editor.player.time + step)
  }

  #down(event) {
    const bar = event.target.closest('.bar-box')
    const row = event.target.closest('.layer-row')
    if (!row || event.button !== 0) return
    const { project, selection } = this.editor
    selection.select(selection.scene, row.dataset.key)
    const layer = project.layer(row.dataset.key)
    if (!bar || !layer || project.readOnly) return
    const edge = event.target.classList.contains('trim') ? (event.target.classList.contains('left') ? 'left' : 'right') : null
    this.#drag = { layer, edge, from: this.#secondsAt(event), begun: false, points: this.#snapPoints(layer) }
    bar.setPointerCapture(event.pointerId)
    const move = (moved) => this.#dragTo(moved)
    const end = () => {
      bar.removeEventListener('pointermove', move)
      this.#drag = null
      this.snap.hidden = true
    }
    bar.addEventListener('pointermove', move)
    bar.addEventListener('pointerup', end, { once: true })
    bar.addEventListener('pointercancel', end, { once: true })
  }

  #dragTo(event) {
    const { layer, edge, from, points } = this.#drag
    const { scene } = this
    if (!scene) return
    const delta = this.#secondsAt(event) - from
    const reach = event.altKey ? 0 : (SNAP_PIXELS / this.ruler.clientWidth) * scene.duration
    const nearest = (value) => points.map((point) => [point, Math.abs(point - value)]).filter(([, far]) => far <= reach).sort((a, b) => a[1] - b[1])[0]
    const end = layer.start + layer.duration
    let start = layer.start
    let stop = end
    let found
    if (edge === 'left') {
      found = nearest(layer.start + delta)
      start = clamp(found?.[0] ?? layer.start + delta, 0, end - SHORTEST)
    } else if (edge === 'right') {
      found = nearest(end + delta)
      stop = clamp(found?.[0] ?? end + delta, layer.start + SHORTEST, Math.max(scene.duration, layer.start + SHORTEST))
    } else {
      const [one, other] = [nearest(layer.start + delta), nearest(end + delta)]
      const byEnd = other && (!one || other[1] < one[1])
      found = byEnd ? other : one
      start = byEnd ? other[0] - layer.duration : one ? one[0] : layer.start + delta
      start = clamp(start, 0, Math.max(0, scene.duration - Math.min(layer.duration, scene.duration)))
      stop = start + layer.duration
    }
    this.snap.hidden = !found
    if (found) this.snap.style.left = `${(found[0] / scene.duration) * 100}%`
    if (!this.#drag.begun && Math.abs(delta) * this.ruler.clientWidth < 3 * scene.duration) return
    this.editor.project.setLayer(layer.id, { start_time: round(start), duration: round(stop - start) }, { apart: !this.#drag.begun })
    this.#drag.begun = true
  }

  #snapPoints(layer) {
    const { scene } = this
    const others = scene.layers.filter((other) => other.id !== layer.id)
    return [0, scene.duration, this.editor.player.time, ...others.flatMap((other) => [other.start, other.start + other.duration])]
  }

  #barKey(event, id) {
    const { project } = this.editor
    const layer = project.layer(id)
    const step = { ArrowLeft: -0.1, ArrowRight: 0.1 }[event.key]
    if (event.key === 'F2') this.#rename(id)
    if (event.key === 'Enter') {
      event.preventDefault()
      this.editor.properties.focus()
    }
    if (!step || !layer || project.readOnly) return
    event.preventDefault()
    event.stopPropagation()
    if (event.shiftKey) project.setLayer(id, { duration: round(Math.max(SHORTEST, layer.duration + step)) })
    else project.setLayer(id, { start_time: round(clamp(layer.start + step, 0, Math.max(0, this.scene.duration - SHORTEST))) })
  }

  #gripKey(event, id) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    if (!step) return
    event.preventDefault()
    const index = this.scene.layers.findIndex((layer) => layer.id === id) + step
    if (index >= 0 && index < this.scene.layers.length) this.#moved(id, index)
  }

  #moved(id, index) {
    this.editor.project.moveLayer(id, index)
    this.editor.announce(`Moved to place ${index + 1}.`)
  }

  async #rename(id) {
    const { project } = this.editor
    if (project.readOnly) return
    const name = await ask('Rename layer', 'Name', project.layer(id)?.name ?? '', 'Rename')
    if (name) project.setLayer(id, { name }, { apart: true })
  }

  #addMenu() {
    const { editor } = this
    openMenu(this.add, LAYER_TYPES.map((type) => ({ label: TYPES[type].label, iconName: TYPES[type].icon, action: () => editor.addLayer(type) })))
  }
}
