// The start of the page: who is here, and which view the address names.

import { Editor } from './editor.js'
import { OfflinePage } from './offline.js'
import { Rest } from './rest.js'
import { Session } from './session.js'
import { renewSession, signIn } from './signin.js'
import { applyTheme } from './theme.js'
import { VideoList } from './videos.js'

class App {
  #root = document.getElementById('app')
  #view = null

  constructor() {
    this.session = new Session()
    this.rest = new Rest(this.session)
    this.offline = new OfflinePage()
  }

  async start() {
    applyTheme()
    addEventListener('hashchange', () => this.show())
    this.session.addEventListener('expired', () => this.#expired())
    await this.session.begin()
    this.show()
    await this.offline.keep()
  }

  show() {
    this.#view?.close()
    document.title = 'Cocut'
    this.#view = this.#make()
    this.#root.replaceChildren(...this.#view.elements)
    this.#view.shown?.()
  }

  /** Go to a view: a video's id, or none for the list. */
  open(videoId = null) {
    const hash = videoId ? `#/videos/${videoId}` : '#/'
    if (location.hash === hash) this.show()
    else location.hash = hash
  }

  #make() {
    if (!this.session.token) return signIn(this)
    const [, id] = /^#\/videos\/([0-9a-f-]{36})$/.exec(location.hash) ?? []
    return id ? new Editor(this, id) : new VideoList(this)
  }

  #expired() {
    if (this.#view instanceof Editor) renewSession(this)
    else {
      this.session.signOut()
      this.show()
    }
  }
}

new App().start()
