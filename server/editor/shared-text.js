// A text area on a shared text: what others type appears at once, and one's own place stays.

import { Y } from './vendor/collaboration.js'

/**
 * Keeps a text area and a `Y.Text` the same.
 *
 * What is typed becomes an edit where it was typed, whatever arrived meanwhile; while an input
 * method composes, arriving changes wait so that the composition is not broken off.
 */
export class SharedText {
  #text = null
  #shown = ''
  #waiting = []
  #composing = false
  #writing = false

  /**
   * @param {HTMLTextAreaElement} input
   * @param {(edit: () => void) => void} change makes an edit of the document
   * @param {() => void} moved the selection may be elsewhere
   */
  constructor(input, change, moved = () => {}) {
    Object.assign(this, { input, change, moved })
    input.addEventListener('input', () => this.#typed())
    input.addEventListener('compositionstart', () => (this.#composing = true))
    input.addEventListener('compositionend', () => {
      this.#composing = false
      this.#typed()
    })
  }

  /** The shared text that is shown, or null. */
  get text() {
    return this.#text
  }

  /** Show a shared text from now on, or a value that is none and is not edited. */
  show(text) {
    if (this.#text === text) return
    this.close()
    if (text instanceof Y.Text) {
      this.#text = text
      text.observe(this.#heard)
    }
    this.#waiting = []
    this.#show(String(text ?? ''))
  }

  close() {
    this.#text?.unobserve(this.#heard)
    this.#text = null
  }

  #heard = (event) => {
    if (this.#writing) return
    this.#waiting.push(event.delta)
    if (!this.#composing) this.#take()
  }

  /** Take up what others did. */
  #take() {
    const { selectionStart, selectionEnd, selectionDirection } = this.input
    const selection = this.#moved([selectionStart, selectionEnd])
    this.#waiting = []
    this.#show(this.#text.toString(), [...selection, selectionDirection])
  }

  #show(value, selection = null) {
    const { input } = this
    this.#shown = value
    if (input.value === value) return
    const { scrollTop } = input
    input.value = value
    if (selection && document.activeElement === input) input.setSelectionRange(...selection)
    input.scrollTop = scrollTop
    this.moved()
  }

  #typed() {
    if (this.#composing || !this.#text) return
    const { value } = this.input
    const { start, end, inserted } = difference(this.#shown, value)
    const [from, to] = this.#moved([start, end])
    const caret = this.#waiting.length ? from + inserted.length : null
    this.#waiting = []
    this.#writing = true
    this.change(() => {
      if (to > from) this.#text.delete(from, to - from)
      if (inserted) this.#text.insert(from, inserted)
    })
    this.#writing = false
    if (caret === null) this.#shown = value
    else this.#show(this.#text.toString(), [caret, caret])
    this.moved()
  }

  /** Where places in what is shown are in the shared text. */
  #moved(places) {
    return places.map((place) => this.#waiting.reduce((at, delta) => placeAfter(delta, at), place))
  }
}

/** What changed between two texts: `start` to `end` of the old became `inserted`. */
export function difference(old, value) {
  let start = 0
  const most = Math.min(old.length, value.length)
  while (start < most && old[start] === value[start]) start += 1
  let same = 0
  while (same < most - start && old.at(-1 - same) === value.at(-1 - same)) same += 1
  // Not between the halves of a surrogate pair.
  if (start > 0 && isHigh(old, start - 1)) start -= 1
  if (same > 0 && isLow(old, old.length - same)) same -= 1
  return { start, end: old.length - same, inserted: value.slice(start, value.length - same) }
}

/** Replace a shared text, changing only where it differs. */
export function replaceText(text, value) {
  const { start, end, inserted } = difference(text.toString(), value)
  if (end > start) text.delete(start, end - start)
  if (inserted) text.insert(start, inserted)
}

function placeAfter(delta, place) {
  let at = 0
  let moved = place
  for (const { retain, insert, delete: gone } of delta) {
    if (retain) at += retain
    else if (insert !== undefined) {
      const length = insert.length ?? 1
      if (at < moved) moved += length
      at += length
    } else if (at < moved) moved = Math.max(at, moved - gone)
  }
  return moved
}

function isHigh(text, at) {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800
}

function isLow(text, at) {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00
}
