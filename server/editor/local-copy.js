// What this browser keeps of a document, and what it knows to be in its store.

import { clearDocument, IndexeddbPersistence } from './vendor/collaboration.js'

const PATIENCE_MS = 3000
const UNSAVED = 'unsaved'

/** The copy of one document in this browser. Event: `change`, when `kept` or `broken` has changed. */
export class LocalCopy extends EventTarget {
  /** Up to which of the page's edits the browser has committed. */
  kept = 0
  /** Whether this browser keeps nothing. */
  broken = false
  /** Whether the page before this one ended with edits that were not known to be on the server. */
  inherited = false
  #store = null
  #asked = 0
  #settled = 0
  #busy = false

  constructor(name, doc) {
    super()
    this.name = name
    this.doc = doc
  }

  /** Load what is kept into the document; a browser that takes too long goes on without. */
  async open() {
    try {
      this.#store = new IndexeddbPersistence(this.name, this.doc)
      const loaded = this.#store._db.then(() => this.#store.whenSynced)
      await Promise.race([loaded.then(() => this.#inherit()), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))])
    } catch {
      this.#break()
    }
  }

  /** Whether an update of the document came out of this store. */
  gave(origin) {
    return origin !== null && origin === this.#store
  }

  /** Learn when everything up to the page's edit number `edit` is committed. */
  keep(edit) {
    this.#asked = edit
    if (!this.#busy) this.#commit()
  }

  /** Everything up to the page's edit number `edit` is on the server. */
  settle(edit) {
    if (edit === this.#settled && !this.inherited) return
    this.#settled = edit
    this.inherited = false
    this.keep(edit)
  }

  async destroy() {
    await this.#store?.destroy()
    await clearDocument(this.name)
  }

  close() {
    this.#store?.destroy()
  }

  async #inherit() {
    this.inherited = Boolean(await this.#store.get(UNSAVED))
  }

  // A browser runs transactions on the same store in order: once this one is committed, so are the
  // document's updates before it.
  async #commit() {
    if (this.broken) return
    this.#busy = true
    const edit = this.#asked
    const settled = this.#settled
    try {
      const database = await this.#store._db
      await new Promise((resolve, reject) => {
        const transaction = database.transaction(['updates', 'custom'], 'readwrite')
        transaction.objectStore('custom').put(edit > this.#settled, UNSAVED)
        transaction.oncomplete = resolve
        transaction.onabort = () => reject(transaction.error)
      })
    } catch {
      this.#break()
      return
    } finally {
      this.#busy = false
    }
    this.kept = edit
    this.dispatchEvent(new Event('change'))
    if (this.#asked > edit || this.#settled > settled) this.#commit()
  }

  #break() {
    this.broken = true
    this.dispatchEvent(new Event('change'))
  }
}
