// One scene's narration: a text area on a shared text, with the carets of others in it.

import { h, setText } from './dom.js'
import { SharedText } from './shared-text.js'
import { Y } from './vendor/collaboration.js'

export class Narration {
  #shown = ''

  constructor(editor, sceneId) {
    this.editor = editor
    this.sceneId = sceneId
    this.input = h('textarea', {
      class: 'narration-input', rows: 1, spellcheck: 'true', maxlength: 20_000,
      placeholder: 'What is said in this scene…',
      on: {
        focus: () => this.#begin(),
        blur: () => editor.presence.pointInText(null),
        select: () => this.#tell(),
        keyup: () => this.#tell(),
        pointerup: () => this.#tell(),
      },
    })
    this.shared = new SharedText(this.input, (edit) => editor.project.change(edit, { apart: false }), () => this.#tell())
    this.carets = h('div', { class: 'narration-carets', 'aria-hidden': 'true' })
    this.element = h('div', { class: 'narration' }, this.carets, this.input)
  }

  update(scene) {
    this.input.setAttribute('aria-label', `Narration of scene ${scene.number}`)
    this.input.readOnly = this.editor.project.readOnly
    this.shared.show(scene.text)
  }

  close() {
    this.shared.close()
  }

  /** Draw the carets of `others` that are in this scene. */
  showCarets(others) {
    const here = others.filter((other) => other.caret?.scene === this.sceneId).map((other) => this.#place(other)).filter(Boolean)
    here.sort((a, b) => a.from - b.from)
    const value = this.input.value
    const shown = JSON.stringify([value, here])
    if (shown === this.#shown) return // a name stands at a caret for a moment after it has moved
    this.#shown = shown
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

  #begin() {
    const { project, selection } = this.editor
    selection.select(this.sceneId)
    const scene = project.scene(this.sceneId)
    if (scene) this.shared.show(project.shareText(scene.map, 'text'))
  }

  #tell() {
    const { text } = this.shared
    if (!text || document.activeElement !== this.input) return
    const at = (index) => Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, Math.min(index, text.length)))
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
