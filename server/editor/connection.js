// The way between the document here, in this browser's store, and on the server.

import { LocalCopy } from './local-copy.js'
import { decoding, encoding, WebsocketProvider } from './vendor/collaboration.js'

const SYNC = 0
const AUTH = 2
const ACKNOWLEDGE = 102
const ASK_AFTER_MS = 40
const UNKNOWN = 'There is no such video, or it is not shared with you.'

/**
 * The connection of one document. Event: `change`, when `phase`, `isSaved` or `isKept` may have changed.
 *
 * `phase` is `connecting`, `live`, `offline`, `expired` (the token has ended), `lost` (no role, or
 * no such video; `reason` says which) or `refused` (the last change was not taken; `reason`).
 */
export class Connection extends EventTarget {
  phase = 'connecting'
  reason = ''
  denied = false
  #edits = 0
  #stored = 0
  #answered = false
  #confirmed = false
  #timer = 0
  #closed = false

  constructor(session, doc, videoId) {
    super()
    this.session = session
    this.doc = doc
    this.local = new LocalCopy(`cocut:${session.user}:${videoId}`, doc)
    const address = `${location.origin.replace(/^http/, 'ws')}/ws/videos`
    this.provider = new WebsocketProvider(address, videoId, doc, {
      connect: false,
      disableBc: true, // other tabs hear of an edit when it is stored, as everybody does
      params: { token: session.token },
    })
    this.awareness = this.provider.awareness
    this.#listen()
  }

  /** Load what this browser has of the document, then connect. */
  async open() {
    await this.local.open()
    if (this.#closed) return
    if (navigator.onLine) this.provider.connect()
    else this.#become('offline')
  }

  /** Whether all that was done here is stored on the server. */
  get isSaved() {
    return this.phase === 'live' && this.#confirmed && this.#stored >= this.#edits
  }

  /** Whether something was done here, now or before a reload, that is not known to be on the server. */
  get hasUnsaved() {
    return this.#stored < this.#edits || this.local.inherited
  }

  /** Whether all that was done here is committed to this browser's store. */
  get isKept() {
    return !this.local.broken && this.local.kept >= this.#edits
  }

  /** Wait until what was done here is stored, for a request that works from what is stored. */
  async settled() {
    while (this.phase === 'live' && !this.isSaved) await new Promise((resolve) => this.addEventListener('change', resolve, { once: true }))
  }

  /** Take up the session's new token, or try again after a refusal. */
  retry() {
    const { token } = this.session
    // The server ends a connection with the token it was opened with.
    if (this.provider.params.token !== token) this.provider.disconnect()
    this.provider.params.token = token
    if (!this.provider.wsconnected) {
      this.#become('connecting')
      this.provider.connect()
    }
  }

  async forget() {
    await this.local.destroy()
  }

  close() {
    this.#closed = true
    clearTimeout(this.#timer)
    removeEventListener('online', this.#online)
    removeEventListener('offline', this.#offline)
    this.provider.destroy()
    this.awareness.destroy()
    this.local.close()
  }

  #listen() {
    const { provider } = this
    this.local.addEventListener('change', () => this.#changed())
    this.doc.on('update', (_update, origin) => {
      if (origin === provider || this.local.gave(origin)) return
      this.#edits += 1
      this.local.keep(this.#edits)
      this.#ask()
      this.#changed()
    })
    provider.on('status', ({ status }) => {
      if (status === 'connecting' && this.phase !== 'offline') this.#become('connecting')
      if (status === 'disconnected') this.#confirmed = this.#answered = false
    })
    provider.on('sync', (synced) => {
      if (!synced) return
      this.#become('live')
      this.#ask()
    })
    provider.on('connection-close', (event) => this.#ended(event))
    const readSync = provider.messageHandlers[SYNC]
    provider.messageHandlers[SYNC] = (encoder, ...rest) => {
      readSync(encoder, ...rest)
      // The server asked for what it lacks, and the answer to that is in `encoder`.
      if (encoding.length(encoder) > 1) {
        this.#answered = true
        this.#ask()
      }
    }
    provider.messageHandlers[ACKNOWLEDGE] = (_encoder, decoder) => {
      this.#stored = Math.max(this.#stored, decoding.readVarUint(decoder))
      this.#confirmed = true
      if (this.isSaved) this.local.settle(this.#edits)
      this.#changed()
    }
    provider.messageHandlers[AUTH] = () => {
      this.denied = true
      this.#changed()
    }
    addEventListener('online', this.#online)
    addEventListener('offline', this.#offline)
  }

  #online = () => this.retry()

  #offline = () => {
    this.provider.disconnect()
    this.#become('offline')
  }

  #ended(event) {
    this.#confirmed = this.#answered = false
    if (!event) return
    if (event.code === 4401) {
      this.#become('expired')
      this.session.refused(this.provider.params.token).then((renewed) => renewed && this.retry())
    } else if (event.code === 4403) this.#become('lost', this.#isKnown ? 'This video is not shared with you any more.' : UNKNOWN)
    else if (event.code === 4404) this.#become('lost', this.#isKnown ? 'This video has been deleted.' : UNKNOWN)
    else if (event.code === 4400 || event.code === 1009) {
      this.provider.disconnect()
      this.#become('refused', event.code === 1009 ? 'The last change is too big for the server.' : 'The server could not read the last change.')
    } else this.#become('offline')
  }

  /** Whether anything of the video was ever here. */
  get #isKnown() {
    return this.provider.synced || this.doc.store.clients.size > 0
  }

  #ask() {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const { ws, wsconnected } = this.provider
      if (!wsconnected || !this.#answered || ws?.readyState !== WebSocket.OPEN) return
      const encoder = encoding.createEncoder()
      encoding.writeVarUint(encoder, ACKNOWLEDGE)
      encoding.writeVarUint(encoder, this.#edits)
      ws.send(encoding.toUint8Array(encoder))
    }, ASK_AFTER_MS)
  }

  #become(phase, reason = '') {
    if (this.phase === phase && this.reason === reason) return
    this.phase = phase
    this.reason = reason
    this.#changed()
  }

  #changed() {
    if (!this.#closed) this.dispatchEvent(new Event('change'))
  }
}
