// One scene's narration: a text area on a shared text, with the carets of others in it.

import { h, setText } from './dom.js'
import { replaceText } from './project.js'
import { Y } from './vendor/collaboration.js'

export class Narration {
  #text = null
  #composing = false
  #selection = null

  constructor(editor, sceneId) {
    this.editor = editor
    this.sceneId = sceneId
    this.input = h('textarea', {
      class: 'narration-input', rows: 1, spellcheck: 'true', maxlength: 20_000,
      placeholder: 'What is said in this scene…',
      on: {
        input: () => this.#typed(),
        compositionstart: () => (this.#composing = true),
        compositionend: () => {
          this.#composing = false
          this.#typed()
        },
        focus: () => editor.selection.select(sceneId),
        blur: () => editor.presence.pointInText(null),
        select: () => this.#tell(),
        keyup: () => this.#tell(),
        pointerup: () => this.#tell(),
      },
    })
    this.carets = h('div', { class: 'narration-carets', 'aria-hidden': 'true' })
    this.element = h('div', { class: 'narration' }, this.carets, this.input)
  }

  update(scene) {
    this.input.setAttribute('aria-label', `Narration of scene ${scene.number}`)
    this.input.readOnly = this.editor.project.readOnly
    const shared = scene.text instanceof Y.Text
    if (shared && this.#text !== scene.text) {
      this.#text?.unobserve(this.#heard)
      this.#text = scene.text
      this.#text.observe(this.#heard)
    }
    const value = String(scene.text ?? '')
    if (this.input.value !== value && !this.#composing) this.#show(value)
  }

  close() {
    this.#text?.unobserve(this.#heard)
  }

  /** Draw the carets of `others` that are in this scene. */
  showCarets(others) {
    const here = others.filter((other) => other.caret?.scene === this.sceneId).map((other) => this.#place(other)).filter(Boolean)
    here.sort((a, b) => a.from - b.from)
    const value = this.input.value
    const nodes = []
    let at = 0
    for (const { from, to, head, colour, name } of here) {
      if (from < at) continue
      nodes.push(value.slice(at, from))
      const caret = h('span', { class: 'caret', style: { '--face': colour } }, h('span', { class: 'caret-name' }, name))
      const marked = h('span', { class: 'caret-range', style: { '--face': colour } }, value.slice(from, to))
      nodes.push(...(head === from ? [caret, marked] : [marked, caret]))
      at = to
    }
    if (here.length) this.carets.replaceChildren(...nodes, `${value.slice(at)}\u200b`)
    else setText(this.carets, '')
  }

  #heard = (event) => {
    if (event.transaction.origin === this.editor.project.origin && document.activeElement === this.input) return
    if (document.activeElement === this.input) this.#selection ??= this.#positions(event)
  }

  #positions(event) {
    // Where the selection is after the change, counted through its parts.
    const move = (index) => {
      let at = 0
      let moved = index
      for (const part of event.delta) {
        if (part.retain) at += part.retain
        else if (part.insert !== undefined) {
          const length = typeof part.insert === 'string' ? part.insert.length : 1
          if (at < moved || (at === moved && at < index)) moved += length
          at += length
        } else if (part.delete && at < moved) moved = Math.max(at, moved - part.delete)
      }
      return moved
    }
    return [move(this.input.selectionStart), move(this.input.selectionEnd)]
  }

  #show(value) {
    const focused = document.activeElement === this.input
    const selection = this.#selection ?? [this.input.selectionStart, this.input.selectionEnd]
    this.#selection = null
    const { scrollTop } = this.input
    this.input.value = value
    if (focused) this.input.setSelectionRange(...selection)
    this.input.scrollTop = scrollTop
  }

  #typed() {
    if (this.#composing) return
    const { project } = this.editor
    const value = this.input.value
    project.change(
      () => {
        const scene = project.scene(this.sceneId)
        if (scene?.text instanceof Y.Text) replaceText(scene.text, value)
        else scene?.map.set('text', new Y.Text(value))
      },
      { apart: false },
    )
    this.#tell()
  }

  #tell() {
    if (!this.#text || document.activeElement !== this.input) return
    const at = (index) => Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(this.#text, Math.min(index, this.#text.length)))
    this.editor.presence.pointInText({ scene: this.sceneId, anchor: at(this.input.selectionStart), head: at(this.input.selectionEnd) })
  }

  #place({ caret, colour, name }) {
    try {
      const { doc } = this.editor.project
      const index = (position) => Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(position), doc)?.index
      const [anchor, head] = [index(caret.anchor), index(caret.head)]
      if (anchor === undefined || head === undefined) return null
      return { from: Math.min(anchor, head), to: Math.max(anchor, head), head, colour, name }
    } catch {
      return null // another client's idea of a position
    }
  }
}
