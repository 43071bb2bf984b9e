// The panel of properties: of the selected layer, or of the video.

import { control } from './controls.js'
import { h, setText } from './dom.js'
import { clamp, round } from './format.js'
import { icon } from './icons.js'
import { TYPES } from './layer-types.js'
import { narrationOf } from './project.js'
import { button, complain, iconButton, toast } from './widgets.js'

const RATIOS = [['16:9', 'Wide 16:9'], ['9:16', 'Tall 9:16'], ['1:1', 'Square 1:1'], ['4:5', 'Portrait 4:5']]
const VIDEO_SPECS = [
  { kind: 'choice', key: 'aspect_ratio', label: 'Shape', options: RATIOS, fallback: '16:9' },
  { kind: 'colour', key: 'background', label: 'Background', fallback: '#000000' },
]

export class PropertiesPanel {
  #shown = null
  #controls = []

  constructor(editor) {
    this.editor = editor
    this.title = h('h2', {})
    this.actions = h('span', { class: 'row' })
    this.body = h('div', { class: 'properties-body' })
    this.source = h('span', {})
    this.voice = h('p', { class: 'hint-line quiet small', role: 'status' })
    this.element = h('section', { class: 'panel properties', 'aria-label': 'Properties' }, h('div', { class: 'panel-head' }, this.title, this.actions), this.body)
  }

  close() {
    for (const { part } of this.#controls) part.close?.()
  }

  /** Go to the first thing that can be set. */
  focus() {
    this.update()
    this.body.querySelector('input:not(:disabled), select:not(:disabled), textarea, button:not(:disabled)')?.focus()
  }

  update() {
    const { project, selection } = this.editor
    const layer = project.layer(selection.layer)
    const shown = `${layer?.id ?? `video ${project.scenes.length > 0}`} ${layer?.type ?? ''} ${project.readOnly}`
    if (this.#shown !== shown) {
      this.#shown = shown
      this.close()
      if (layer) this.#buildLayer(layer)
      else this.#buildVideo()
    }
    if (layer) {
      setText(this.title, layer.name || TYPES[layer.type].label)
      setText(this.source, sourceOf(layer))
      if (layer.type === 'voiceover') setText(this.voice, voiceSays(layer, project.scene(layer.scene)))
      const seconds = project.scene(layer.scene)?.duration ?? 60
      for (const { spec, part } of this.#controls) {
        part.element.hidden = spec.when?.(layer.properties) === false
        if (spec.inScene) part.reach(Math.max(seconds, layer.start + layer.duration))
        part.show(this.#valueOf(layer, spec), project.readOnly)
      }
      for (const group of this.body.querySelectorAll('.group')) group.hidden = group.querySelector('.control') && !group.querySelector('.control:not([hidden])')
    } else {
      const { ratio, background } = project.video
      const values = { aspect_ratio: ratio, background }
      for (const { spec, part } of this.#controls) part.show(values[spec.key], project.readOnly || (spec.key === 'aspect_ratio' && !this.editor.isOwner))
    }
  }

  /** Have the words spoken by the chosen voice; the layer gets the sound as an edit of its own. */
  async #speak(id, control) {
    const focused = document.activeElement === control
    control.disabled = true
    try {
      await this.editor.connection.settled()
      await this.editor.app.rest.post(`/layers/${id}/voiceover`)
      toast('The voice is made: play the scene to hear it.')
    } catch (error) {
      complain(error.status === 404 ? new Error('This server does not speak.') : error)
    }
    control.disabled = false
    if (focused && document.activeElement === document.body) control.focus()
  }

  #valueOf(layer, { kind, field, key }) {
    if (field) return layer[field]
    return kind === 'text' ? this.editor.project.property(layer.id, key) : layer.properties[key]
  }

  #setter({ id }, { kind, key }) {
    const { project } = this.editor
    if (kind === 'text') return { share: () => project.shareProperty(id, key), change: (edit) => project.change(edit, { apart: false }) }
    return (value, apart) => project.setProperties(id, { [key]: value }, { apart })
  }

  #buildVideo() {
    const { project } = this.editor
    setText(this.title, 'Video')
    this.actions.replaceChildren()
    this.#controls = VIDEO_SPECS.map((spec) => ({ spec, part: control(spec, (value) => project.setVideo({ [spec.key]: value })) }))
    const begun = project.scenes.length > 0 || project.readOnly
    const hint = !begun ? 'Begin with “Add scene”; what it shows and plays are its layers.' : project.readOnly ? 'You are watching. Select a layer to see its properties.' : 'Select a layer on the canvas or in the timeline to change it here.'
    this.body.replaceChildren(h('div', { class: 'group' }, h('h3', {}, 'Picture'), ...this.#controls.map(({ part }) => part.element)), h('p', { class: 'hint' }, hint))
  }

  #buildLayer(layer) {
    const { project, library } = this.editor
    const { id } = layer
    const type = TYPES[layer.type]
    const remove = iconButton('trash', 'Delete layer', () => this.editor.deleteLayer(id))
    const copy = iconButton('copy', 'Duplicate layer', () => this.editor.selection.select(layer.scene, project.duplicateLayer(id)))
    this.actions.replaceChildren(...(project.readOnly ? [] : [copy, remove]))
    const name = { kind: 'name', field: 'name', label: 'Name' }
    const start = { kind: 'range', field: 'start', label: 'Start', min: 0, max: 60, step: 0.1, fallback: 0, unit: 's', inScene: true }
    const length = { kind: 'range', field: 'duration', label: 'Duration', min: 0.1, max: 60, step: 0.1, fallback: 5, unit: 's', inScene: true }
    const field = (key, fix = (value) => value) => (value, apart) => project.setLayer(id, { [key]: fix(value) }, { apart })
    const common = [
      { spec: name, part: nameControl(name, field('name')) },
      { spec: start, part: control(start, field('start_time', (value) => clamp(round(value), 0, 86_400))) },
      { spec: length, part: control(length, field('duration', (value) => clamp(round(value), 0.1, 86_400))) },
    ]
    this.#controls = [...common]
    const groups = type.groups.map(([title, specs]) => {
      const made = specs.map((spec) => ({ spec, part: control(spec, this.#setter(layer, spec)) }))
      this.#controls.push(...made)
      return h('div', { class: 'group' }, h('h3', {}, title), ...made.map(({ part }) => part.element))
    })
    const speak = layer.type === 'voiceover' && !project.readOnly && button('Make the voice', () => this.#speak(id, speak), { iconName: 'voiceover' })
    const source = type.library && h('div', { class: 'group' }, h('h3', {}, 'From'), h('p', { class: 'source' }, icon(type.icon), this.source), project.readOnly ? null : button(`Choose ${type.choice ?? type.label.toLowerCase()}`, () => library.open(type.library, id), { iconName: 'library' }), speak || null, layer.type === 'voiceover' ? this.voice : null)
    this.body.replaceChildren(h('div', { class: 'group' }, h('h3', {}, `${type.label} layer`), ...common.map(({ part }) => part.element)), ...(source ? [source] : []), ...groups)
  }
}

/** What a layer was filled with; things of the libraries give their layer their name. */
function sourceOf({ type, name, properties }) {
  const prefix = type === 'voiceover' ? 'voice' : type
  const named = properties[`${prefix}_name`] ?? properties.title
  if (typeof named === 'string') return named
  return [`${prefix}_id`, `${prefix}_url`].some((key) => properties[key]) ? name : 'Nothing chosen yet'
}

function voiceSays({ properties }, scene) {
  const words = properties.text?.trim() ? properties.text : narrationOf(scene)
  if (!properties.audio_url) return 'Make the voice to hear it here; a render makes it by itself.'
  if (typeof properties.audio_text === 'string' && properties.audio_text !== words) return 'The words have changed since this voice was made.'
  return ''
}

function nameControl(spec, set) {
  const input = h('input', { class: 'input', maxlength: 255, on: { change: () => input.value.trim() && set(input.value.trim(), true) } })
  const show = (value, readOnly) => {
    input.disabled = readOnly
    if (document.activeElement !== input) input.value = value
  }
  return { element: h('label', { class: 'control' }, h('span', { class: 'control-label' }, spec.label), input), show }
}
