// The faces of those who are here; one of them can be followed.

import { h, reconcile, setText } from './dom.js'
import { face, openMenu, toast } from './widgets.js'

const MOST_LISTED = 40

export class People {
  #following = null

  constructor(editor) {
    this.editor = editor
    this.list = h('ul', { class: 'people', 'aria-label': 'Who is here' })
    this.more = h('button', { type: 'button', class: 'more-people', 'aria-haspopup': 'menu', hidden: true, on: { click: () => this.#listMore() } })
    this.element = h('div', { class: 'row people-row' }, this.list, this.more)
  }

  update() {
    const { presence, project, selection } = this.editor
    const { others } = presence
    const shown = room()
    reconcile(
      this.list,
      others.slice(0, shown),
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
    this.more.hidden = others.length <= shown
    setText(this.more, `+${others.length - shown}`)
    this.more.setAttribute('aria-label', `${others.length - shown} more are here`)
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

  #listMore() {
    const { others } = this.editor.presence
    openMenu(this.more, others.slice(room(), room() + MOST_LISTED).map(({ client, name }) => ({ label: `Follow ${name}`, iconName: 'pointer', action: () => this.#follow(client) })))
  }

  #follow(client) {
    this.#following = this.#following === client ? null : client
    const other = this.editor.presence.others.find((one) => one.client === client)
    if (other) toast(this.#following === null ? `You go your own way again.` : `You follow ${other.name}.`)
    this.update()
  }
}

/** How many faces the header has room for. */
function room() {
  if (innerWidth > 820) return 5
  return innerWidth > 480 ? 2 : 1
}
