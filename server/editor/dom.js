// Elements without templates: text goes in as text nodes only, never as HTML.

/**
 * Make an element.
 *
 * @param {string} tag
 * @param {object} props `class`, `on` (listeners by event), `data` (dataset), `style` (custom
 *   properties and styles by name); other names are attributes; null and false leave one out.
 * @param {...(Node|string|null|undefined|false)} children
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue
    if (name === 'class') element.className = value
    else if (name === 'on') listen(element, value)
    else if (name === 'data') Object.assign(element.dataset, value)
    else if (name === 'style') setStyle(element, value)
    else if (name === 'value') element.value = value
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false))
  return element
}

export function listen(element, listeners) {
  for (const [type, listener] of Object.entries(listeners)) element.addEventListener(type, listener)
}

export function setStyle(element, styles) {
  for (const [name, value] of Object.entries(styles)) element.style.setProperty(name, value)
}

/** Set the text if it is another one, so that what is selected in it stays. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

export function toggleAttribute(element, name, on, value = '') {
  if (on) element.setAttribute(name, value)
  else element.removeAttribute(name)
}

/**
 * Make the children of `parent` show `items` in order, keeping the elements of those that stay.
 *
 * @param {Element} parent
 * @param {Array} items
 * @param {(item) => string} key
 * @param {(item) => Element} create
 * @param {(element: Element, item, index: number) => void} update
 */
export function reconcile(parent, items, key, create, update = () => {}) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]))
  let at = parent.firstElementChild
  items.forEach((item, index) => {
    const id = key(item)
    let element = known.get(id)
    if (element) known.delete(id)
    else {
      element = create(item)
      element.dataset.key = id
    }
    if (element === at) at = at.nextElementSibling
    else place(parent, element, at)
    update(element, item, index)
  })
  for (const gone of known.values()) gone.remove()
}

function place(parent, element, before) {
  // Moving an element takes the focus from what is inside it.
  const focused = element.contains(document.activeElement) ? document.activeElement : null
  parent.insertBefore(element, before)
  focused?.focus({ preventScroll: true })
}

/**
 * Scroll `scroller` so that `element` can be seen, below as many pixels as something there covers.
 * What is under the pointer stays where it is: a click may be under way.
 */
export function reveal(scroller, element, covered = 0) {
  if (!element || element.matches(':hover')) return
  const [box, frame] = [element.getBoundingClientRect(), scroller.getBoundingClientRect()]
  const above = box.top - frame.top - covered
  const below = box.bottom - frame.bottom
  if (above < 0) scroller.scrollTop += above
  else if (below > 0) scroller.scrollTop += Math.min(above, below)
}

/** Call `action` once in the next frame, however often the result is called before. */
export function everyFrame(action) {
  let asked = 0
  const ask = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0
      action()
    })
  }
  ask.cancel = () => cancelAnimationFrame(asked)
  ask.now = () => {
    cancelAnimationFrame(asked)
    asked = 0
    action()
  }
  return ask
}

/** Call `action` when `ms` have passed without another call. */
export function afterPause(action, ms) {
  let timer = 0
  return (...values) => {
    clearTimeout(timer)
    timer = setTimeout(() => action(...values), ms)
  }
}

/** Listeners that end together. */
export class Subscriptions {
  #end = []

  add(end) {
    this.#end.push(end)
    return end
  }

  on(target, type, listener, options) {
    target.addEventListener(type, listener, options)
    this.#end.push(() => target.removeEventListener(type, listener, options))
  }

  close() {
    for (const end of this.#end.splice(0)) end()
  }
}
