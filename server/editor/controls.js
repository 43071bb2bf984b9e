// The controls of the properties panel: each shows a value, and says when it is changed.

import { h } from './dom.js'
import { clamp, round } from './format.js'
import { SharedText } from './shared-text.js'

/**
 * Make a control.
 *
 * @param {object} spec as in layer-types
 * @param {(value, begins: boolean) => void} set `begins` at the first of a gesture's values; for a
 *   text, which is typed together, `{share, change}`: what makes it shared, and what edits it
 * @returns {{element: HTMLElement, show: (value, readOnly: boolean) => void, close?: () => void,
 *   reach?: (most: number) => void}} `reach` sets how far a slider goes
 */
export function control(spec, set) {
  return { range, choice, colour, toggle, position, text }[spec.kind](spec, set)
}

function labelled(spec, ...parts) {
  return h('label', { class: `control ${spec.kind}` }, h('span', { class: 'control-label' }, spec.label), ...parts)
}

function gesture(set) {
  let begun = false
  return {
    input(value) {
      set(value, !begun)
      begun = true
    },
    end() {
      begun = false
    },
  }
}

function range(spec, set) {
  const { min, step, fallback, unit = '', percent = false } = spec
  let { max } = spec
  const factor = percent ? 100 : 1
  const drag = gesture(set)
  const slider = h('input', { type: 'range', min, max, step, 'aria-label': spec.label, on: { input: () => drag.input(Number(slider.value)), change: () => drag.end() } })
  const mark = () => slider.style.setProperty('--part', (Number(slider.value) - min) / (max - min))
  slider.addEventListener('input', mark)
  const exact = h('input', {
    type: 'number', class: 'input exact', step: step * factor, min: min * factor, 'aria-label': `${spec.label}, exactly`,
    on: {
      change() {
        const value = Number(exact.value) / factor
        if (exact.value !== '' && Number.isFinite(value)) set(round(Math.max(min, value), 3), true)
      },
    },
  })
  const element = h('div', { class: 'control range', role: 'group', 'aria-label': spec.label }, h('span', { class: 'control-label' }, spec.label), slider, exact, h('span', { class: 'unit' }, percent ? '%' : unit))
  const show = (value, readOnly) => {
    const number = typeof value === 'number' && Number.isFinite(value) ? value : Number.parseFloat(value)
    const shown = Number.isFinite(number) ? number : fallback
    slider.disabled = exact.disabled = readOnly
    slider.value = clamp(shown, min, max)
    mark()
    if (document.activeElement !== exact) exact.value = round(shown * factor)
  }
  const reach = (value) => {
    max = value
    slider.max = value
  }
  return { element, show, reach }
}

function choice(spec, set) {
  const select = h('select', { class: 'input', 'aria-label': spec.label, on: { change: () => set(select.value, true) } }, ...spec.options.map(([value, label]) => h('option', { value }, label)))
  const show = (value, readOnly) => {
    const wanted = String((Array.isArray(value) ? value[0] : value) ?? spec.fallback)
    if (![...select.options].some((option) => option.value === wanted)) select.append(h('option', { value: wanted }, wanted))
    select.value = wanted
    select.disabled = readOnly
  }
  return { element: labelled(spec, select), show }
}

function colour(spec, set) {
  const drag = gesture(set)
  const input = h('input', { type: 'color', 'aria-label': spec.label, on: { input: () => drag.input(input.value.toUpperCase()), change: () => drag.end() } })
  const code = h('input', {
    class: 'input mono', maxlength: 7, 'aria-label': `${spec.label}, as a code`,
    on: { change: () => /^#?[0-9a-f]{6}$/i.test(code.value) && set(`#${code.value.replace('#', '').toUpperCase()}`, true) },
  })
  const none = spec.optional && h('input', { type: 'checkbox', 'aria-label': `Use ${spec.label.toLowerCase()}`, on: { change: () => set(none.checked ? input.value.toUpperCase() : spec.optional === 'none' ? 'none' : null, true) } })
  const element = h('div', { class: 'control colour', role: 'group', 'aria-label': spec.label }, h('span', { class: 'control-label' }, spec.label), none, input, code)
  const show = (value, readOnly) => {
    const written = /^#[0-9a-f]{6}$/i.test(value)
    const set = written || (spec.optional === 'none' && value === undefined)
    input.value = written ? value.toLowerCase() : spec.fallback.toLowerCase()
    if (document.activeElement !== code) code.value = written ? value : spec.optional && !set ? '' : spec.fallback
    if (none) none.checked = set
    input.disabled = code.disabled = readOnly || Boolean(none && !set)
    if (none) none.disabled = readOnly
  }
  return { element, show }
}

function toggle(spec, set) {
  const input = h('input', { type: 'checkbox', on: { change: () => set(input.checked, true) } })
  const show = (value, readOnly) => {
    input.checked = typeof value === 'boolean' ? value : spec.fallback
    input.disabled = readOnly
  }
  return { element: labelled(spec, input), show }
}

function position(spec, set) {
  const read = () => ({ x: round(Number(x.value) || 0, 1), y: round(Number(y.value) || 0, 1) })
  const field = (axis) => h('input', { type: 'number', class: 'input exact', step: 0.5, 'aria-label': `${spec.label} ${axis}, percent`, on: { change: () => set(read(), true) } })
  const x = field('across')
  const y = field('down')
  const element = h('div', { class: 'control position', role: 'group', 'aria-label': spec.label }, h('span', { class: 'control-label' }, spec.label), h('span', { class: 'unit' }, 'X'), x, h('span', { class: 'unit' }, 'Y'), y)
  const show = (value, readOnly) => {
    x.disabled = y.disabled = readOnly
    if (document.activeElement !== x) x.value = round(Number(value?.x ?? 50), 1)
    if (document.activeElement !== y) y.value = round(Number(value?.y ?? 50), 1)
  }
  return { element, show }
}

function text(spec, { share, change }) {
  const input = h('textarea', { class: 'input', rows: 3, maxlength: 20_000, on: { focus: () => !input.readOnly && shared.show(share()) } })
  const shared = new SharedText(input, change)
  const show = (value, readOnly) => {
    input.readOnly = readOnly
    shared.show(value)
  }
  return { element: labelled(spec, input), show, close: () => shared.close() }
}
