// The faces of those who are here; one of them can be followed.

import { h, reconcile, setText } from './dom.js'
import { face, toast } from './widgets.js'

const SHOWN = 5

export class People {
  #following = null

  constructor(editor) {
    this.editor = editor
    this.list = h('ul', { class: 'people', 'aria-label': 'Who is here' })
    this.more = h('span', { class: 'quiet small' })
    this.element = h('div', { class: 'row people-row' }, this.list, this.more)
  }

  update() {
    const { presence, project, selection } = this.editor
    const { others } = presence
    reconcile(
      this.list,
      others.slice(0, SHOWN),
      (other) => `${other.client} ${other.name} ${other.colour}`,
      (other) => h('li', {}, h('button', { type: 'button', class: 'person', on: { click: () => this.#follow(other.client) } }, face(other.name, other.colour))),
      (element, other) => {
        const scene = project.scene(other.at.scene)
        const where = scene ? `, at scene ${scene.number}` : ''
        const button = element.firstChild
        const label = `${other.name}${where}. Follow`
        if (button.title !== label) {
          button.title = label
          button.setAttribute('aria-label', label)
        }
        button.setAttribute('aria-pressed', String(this.#following === other.client))
      },
    )
    setText(this.more, others.length > SHOWN ? `+${others.length - SHOWN}` : '')
    const followed = others.find((other) => other.client === this.#following)
    if (!followed) this.#following = null
    else if (project.scene(followed.at.scene)) selection.select(followed.at.scene, project.layer(followed.at.layer) ? followed.at.layer : null)
  }

  /** Go one's own way again. */
  stop() {
    if (this.#following === null) return
    this.#following = null
    this.update()
  }

  #follow(client) {
    this.#following = this.#following === client ? null : client
    const other = this.editor.presence.others.find((one) => one.client === client)
    if (other) toast(this.#following === null ? `You go your own way again.` : `You follow ${other.name}.`)
    this.update()
  }
}
