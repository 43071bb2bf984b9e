// Who is here and where: what this page says of itself, and what others say.

const POINTER_MS = 80

/** Presence over a connection's awareness. Event: `change`. */
export class Presence extends EventTarget {
  #pointerTimer = 0
  #changed = () => this.dispatchEvent(new Event('change'))

  constructor(awareness, session) {
    super()
    this.awareness = awareness
    this.session = session
    this.#introduce()
    session.addEventListener('change', this.#introduce)
    awareness.on('change', this.#changed)
  }

  close() {
    clearTimeout(this.#pointerTimer)
    this.session.removeEventListener('change', this.#introduce)
    this.awareness.off('change', this.#changed)
  }

  #introduce = () => {
    if (this.session.token) this.awareness.setLocalStateField('user', { id: this.session.user, name: this.session.name, color: this.session.colour })
  }

  /** The others: `{client, name, colour, at, caret, pointer}`, in a steady order. */
  get others() {
    const found = []
    for (const [client, state] of this.awareness.getStates()) {
      if (client === this.awareness.clientID || !state?.user) continue
      const colour = /^#[0-9a-fA-F]{6}$/.test(state.user.color) ? state.user.color : '#5a6072'
      const name = String(state.user.name ?? 'Somebody').slice(0, 80)
      found.push({ client, name, colour, at: state.at ?? {}, caret: state.caret ?? null, pointer: state.pointer ?? null })
    }
    return found.sort((a, b) => a.client - b.client)
  }

  /** Where this person is: a scene, a layer. */
  standAt(scene, layer) {
    this.#set('at', { scene, layer })
  }

  /** Where the caret is in a scene's narration (relative positions), or null. */
  pointInText(caret) {
    this.#set('caret', caret)
  }

  /** Where the pointer is on the canvas (percent), or null. */
  pointOnCanvas(pointer) {
    clearTimeout(this.#pointerTimer)
    this.#pointerTimer = setTimeout(() => this.#set('pointer', pointer), POINTER_MS)
  }

  #set(field, value) {
    const before = this.awareness.getLocalState()?.[field]
    if (JSON.stringify(before) !== JSON.stringify(value)) this.awareness.setLocalStateField(field, value)
  }
}
