// Small things that every view uses: buttons, messages, dialogs, menus, faces.

import { h } from './dom.js'
import { icon } from './icons.js'

/** A button with an icon whose label is read and shown as a tip. */
export function iconButton(name, label, action, props = {}) {
  const { class: more = '', ...rest } = props
  return h(
    'button',
    { type: 'button', class: `icon-button ${more}`, 'aria-label': label, title: label, on: { click: action }, ...rest },
    icon(name),
  )
}

/** Give an icon button another icon and label, if it has not got them. */
export function relabel(element, name, label) {
  if (element.title === label) return
  element.title = label
  element.setAttribute('aria-label', label)
  element.replaceChildren(icon(name))
}

export function button(label, action, { primary = false, danger = false, iconName = null, ...props } = {}) {
  const kind = primary ? ' primary' : danger ? ' danger' : ''
  return h(
    'button',
    { type: 'button', class: `button${kind}`, on: { click: action }, ...props },
    iconName && icon(iconName),
    label,
  )
}

/** A message that goes away by itself. */
export function toast(text, { action = null, label = '', kind = 'info' } = {}) {
  const shown = h('div', { class: `toast ${kind}` }, h('span', {}, text))
  let before = null
  shown.addEventListener('focusin', (event) => (before ??= event.relatedTarget))
  const end = () => {
    const focused = shown.contains(document.activeElement)
    shown.remove()
    if (focused) before?.focus()
  }
  if (action) shown.append(button(label, () => { end(); action() }))
  shown.append(iconButton('close', 'Dismiss', end))
  document.getElementById('toasts').append(shown)
  setTimeout(end, action ? 12_000 : 6_000)
  return end
}

/** Tell what went wrong, in the server's words where it has some. */
export function complain(error) {
  if (error.name === 'AbortError') return
  toast(error.message || 'Something went wrong.', { kind: 'error' })
}

/**
 * A modal dialog.
 *
 * @param {string} title
 * @param {Node[]} content
 * @param {{wide?: boolean, onClose?: () => void}} options
 * @returns {{element: HTMLDialogElement, close: () => void}}
 */
export function openDialog(title, content, { wide = false, onClose = () => {} } = {}) {
  const close = () => element.close()
  const heading = h('h2', { id: `dialog-${crypto.randomUUID()}` }, title)
  const element = h(
    'dialog',
    { class: wide ? 'dialog wide' : 'dialog', 'aria-labelledby': heading.id },
    h('div', { class: 'dialog-head' }, heading, iconButton('close', 'Close', close)),
    h('div', { class: 'dialog-body' }, ...content),
  )
  element.addEventListener('close', () => {
    showToastsOnTop(element)
    element.remove()
    restoreCaret()
    onClose()
  })
  element.addEventListener('pointerdown', (event) => {
    if (event.target === element) close()
  })
  document.body.append(element)
  element.showModal()
  showToastsOnTop()
  return { element, close }
}

/** What is not in the dialog on top lies under its backdrop, and can be neither clicked nor heard. */
function showToastsOnTop(closing = null) {
  const open = [...document.querySelectorAll('dialog[open]')].filter((one) => one !== closing)
  ;(open.at(-1) ?? document.body).append(document.getElementById('toasts'))
}

/** Give the field that has the focus again its caret, too: Chromium's dialogs give back only the focus. */
function restoreCaret() {
  const field = document.activeElement
  if (!field?.matches('input, textarea')) return
  field.blur()
  field.focus({ preventScroll: true })
}

/** Ask yes or no; resolves to whether it was yes. */
export function confirm(title, text, yes, { danger = true } = {}) {
  return new Promise((resolve) => {
    let answer = false
    const say = (value) => () => {
      answer = value
      dialog.close()
    }
    const dialog = openDialog(
      title,
      [
        h('p', {}, text),
        h('div', { class: 'dialog-actions' }, button('Cancel', say(false)), button(yes, say(true), { primary: !danger, danger })),
      ],
      { onClose: () => resolve(answer) },
    )
  })
}

/** A listener that does `action`, and not again before that has ended; the element is busy meanwhile. */
export function once(action) {
  let busy = false
  return async (event) => {
    if (busy) return
    busy = true
    const { currentTarget: element } = event
    element.setAttribute('aria-busy', 'true')
    try {
      await action()
    } finally {
      busy = false
      element.removeAttribute('aria-busy')
    }
  }
}

/** A listener for a form's `submit`: does `action`, once at a time, and tells what goes wrong. */
export function onSubmit(action) {
  const submit = once(() => action().catch(complain))
  return (event) => {
    event.preventDefault()
    submit(event)
  }
}

/** Ask for a line of text; resolves to it, or to null. */
export function ask(title, label, value, yes) {
  return new Promise((resolve) => {
    let answer = null
    const input = h('input', { class: 'input', value, maxlength: 255, required: true, autofocus: true })
    const dialog = openDialog(
      title,
      [
        h(
          'form',
          {
            on: {
              submit(event) {
                event.preventDefault()
                answer = input.value.trim() || null
                dialog.close()
              },
            },
          },
          h('label', { class: 'field' }, h('span', {}, label), input),
          h('div', { class: 'dialog-actions' }, button('Cancel', () => dialog.close()), button(yes, null, { primary: true, type: 'submit' })),
        ),
      ],
      { onClose: () => resolve(answer) },
    )
    input.select()
  })
}

/**
 * A menu that opens below a button, and closes when that is pressed again.
 *
 * @param {Element} anchor
 * @param {Array<{label: string, iconName?: string, action: () => void, danger?: boolean, disabled?: boolean}|null>} items
 */
export function openMenu(anchor, items) {
  if (anchor.getAttribute('aria-expanded') === 'true') {
    document.querySelector('.menu')?.dispatchEvent(new Event('close'))
    return
  }
  const close = () => {
    menu.remove()
    document.removeEventListener('pointerdown', outside, true)
    anchor.setAttribute('aria-expanded', 'false')
  }
  const outside = (event) => {
    if (!menu.contains(event.target) && !anchor.contains(event.target)) close()
  }
  const entries = items.map((item) =>
    item === null
      ? h('hr')
      : h(
          'button',
          {
            type: 'button',
            role: 'menuitem',
            class: item.danger ? 'danger' : '',
            disabled: item.disabled,
            on: {
              click() {
                close()
                anchor.focus()
                item.action()
              },
            },
          },
          icon(item.iconName ?? 'menu'),
          item.label,
        ),
  )
  const menu = h('div', { class: 'menu', role: 'menu', on: { close, keydown: (event) => moveInMenu(event, menu, anchor, close) } }, ...entries)
  ;(anchor.closest('dialog') ?? document.body).append(menu)
  const box = anchor.getBoundingClientRect()
  const left = Math.max(8, Math.min(box.left, innerWidth - menu.offsetWidth - 8))
  const below = box.bottom + 4 + menu.offsetHeight <= innerHeight
  menu.style.left = `${left}px`
  menu.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - 4 - menu.offsetHeight)}px`
  anchor.setAttribute('aria-haspopup', 'menu')
  anchor.setAttribute('aria-expanded', 'true')
  document.addEventListener('pointerdown', outside, true)
  menu.querySelector('button:not(:disabled)')?.focus()
}

function moveInMenu(event, menu, anchor, close) {
  const entries = [...menu.querySelectorAll('button:not(:disabled)')]
  const at = entries.indexOf(document.activeElement)
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step) entries[(at + step + entries.length) % entries.length]?.focus()
  else if (event.key === 'Escape' || event.key === 'Tab') {
    close()
    anchor.focus()
  } else return
  event.preventDefault()
  event.stopPropagation()
}

/**
 * Show the way through the pages of a list in `place`; nothing if there is one page.
 *
 * @param {Element} place
 * @param {{current_page: number, total_pages: number}} pagination
 * @param {(page: number) => void} go
 */
export function showPager(place, { current_page: page, total_pages: pages }, go) {
  const turn = (label, to) => button(label, () => go(to), { disabled: to < 1 || to > pages })
  const before = place.contains(document.activeElement) ? document.activeElement.textContent : null
  place.replaceChildren(...(pages > 1 ? [turn('Previous', page - 1), h('span', { class: 'quiet' }, `${page} of ${pages}`), turn('Next', page + 1)] : []))
  const buttons = [...place.querySelectorAll('button:not(:disabled)')]
  if (before) (buttons.find((one) => one.textContent === before) ?? buttons[0])?.focus()
}

/** A bar that shows how far something is; see `showPart`. */
export function progressBar(label) {
  return h('span', { class: 'progress', role: 'progressbar', 'aria-label': label }, h('span', {}))
}

/** Show a part (0 to 1) of a progress bar, or that nobody knows how long it takes (null). */
export function showPart(bar, part) {
  bar.classList.toggle('endless', part === null)
  bar.firstChild.style.setProperty('--part', part ?? 0)
  if (part === null) bar.removeAttribute('aria-valuenow')
  else bar.setAttribute('aria-valuenow', String(Math.round(part * 100)))
}

/** The face of a person: initials on their colour. */
export function face(name, colour, size = '') {
  const initials = name.split(/\s+/).filter(Boolean).slice(0, 2).map((word) => [...word][0]).join('').toUpperCase()
  return h('span', { class: `face ${size}`, style: { '--face': colour }, 'aria-hidden': 'true' }, initials || '?')
}
