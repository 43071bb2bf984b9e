// Runs JavaScript clients for a test: one request a line on standard input, one answer a line on
// standard output. `open` connects a client; `run` evaluates code with that client at hand.

import { createInterface } from 'node:readline'
import { webcrypto } from 'node:crypto'
import { YSweetProvider } from '@y-sweet/client'
import { io } from 'socket.io-client'
import { generateKeyBetween } from 'fractional-indexing'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

globalThis.crypto ??= webcrypto
const AsyncFunction = (async () => {}).constructor
const clients = new Map()

const providers = {
  'y-websocket': (doc, { url, video, token }) => new WebsocketProvider(
    url, video, doc, { params: { token }, WebSocketPolyfill: WebSocket, disableBc: true }
  ),
  'y-sweet': (doc, { url, video, token }) => new YSweetProvider(async () => { throw new Error('the token is here') }, video, doc, {
    WebSocketPolyfill: WebSocket, showDebuggerLink: false,
    initialClientToken: { url, baseUrl: url, docId: video, token }
  })
}

class Client {
  constructor (kind, options) {
    this.doc = new Y.Doc()
    this.video = this.doc.getMap('video')
    this.scenes = this.doc.getMap('scenes')
    this.closes = []
    this.denied = []
    this.asked = 0
    this.answered = 0
    this.waiting = new Set()
    this.provider = providers[kind](this.doc, options)
    const { provider, doc } = this
    const look = () => this.waiting.forEach((check) => check())
    provider.on('connection-close', (event) => this.closes.push(event?.code ?? null))
    for (const event of ['connection-close', 'status', 'sync', 'local-changes']) provider.on(event, look)
    doc.on('update', look)
    provider.awareness.on('change', look)
    if (provider.messageHandlers) {
      provider.messageHandlers[2] = (_, decoder) => {
        decoding.readVarUint(decoder)
        this.denied.push(decoding.readVarString(decoder))
        look()
      }
      provider.messageHandlers[102] = (_, decoder) => {
        this.answered = decoding.readVarUint(decoder)
        look()
      }
    }
  }

  // Resolves once `condition` holds; it is looked at whenever something has happened.
  until (condition) {
    return new Promise((resolve, reject) => {
      const check = () => {
        try {
          const value = condition()
          if (!value) return
          this.waiting.delete(check)
          resolve(value)
        } catch (error) {
          this.waiting.delete(check)
          reject(error)
        }
      }
      this.waiting.add(check)
      check()
    })
  }

  synced () {
    return this.until(() => this.provider.synced ?? this.provider.status === 'connected')
  }

  // Resolves once all that this client sent before is stored.
  async saved () {
    const { provider } = this
    if (!provider.messageHandlers) return await this.until(() => !provider.hasLocalChanges)
    const asked = ++this.asked
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, 102)
    encoding.writeVarUint(encoder, asked)
    provider.ws.send(encoding.toUint8Array(encoder))
    return await this.until(() => this.answered >= asked)
  }

  // What there is, in a form that all implementations can make of their documents.
  state () {
    return { video: this.video.toJSON(), scenes: this.scenes.toJSON() }
  }
}

// A listener: what it has heard, and the picture that it makes of that.
class Listener {
  constructor ({ url, video, token, transports, join = true, ...options }) {
    this.video = video
    this.heard = []
    this.reasons = []
    this.errors = []
    this.transports = []
    this.layers = new Map()
    this.sceneOf = new Map()
    this.waiting = new Set()
    const origin = new URL(url)
    origin.protocol = origin.protocol.replace('ws', 'http')
    this.socket = io(origin.origin, { auth: { token }, transports, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200, ...options })
    const { socket } = this
    socket.io.on('open', () => {
      this.transports.push(socket.io.engine.transport.name)
      socket.io.engine.on('upgrade', (transport) => this.transports.push(transport.name))
    })
    socket.on('connect', async () => {
      if (join) this.joined = await this.emit('video:join', { video_id: video })
      this.look()
    })
    socket.on('connect_error', (error) => { this.errors.push({ message: error.message, data: error.data ?? null }); this.look() })
    socket.on('disconnect', (reason) => { this.reasons.push(reason); this.joined = null; this.look() })
    socket.onAny((name, payload) => { this.heard.push([name, payload]); this.draw(name, payload); this.look() })
  }

  draw (name, payload) {
    if (name === 'layer:created' || name === 'layer:updated') {
      this.layers.set(payload.layer_id, payload.layer)
    } else if (name === 'layer:deleted') {
      this.layers.delete(payload.layer_id)
    } else if (name === 'layers:reordered') {
      for (const { layer_id: id, order_index: index } of payload.layer_orders) {
        if (this.layers.has(id)) this.layers.set(id, { ...this.layers.get(id), order_index: index })
      }
    }
  }

  look () {
    this.waiting.forEach((check) => check())
  }

  emit (name, payload) {
    return new Promise((resolve) => this.socket.emit(name, payload, resolve))
  }

  picture () {
    return Object.fromEntries([...this.layers].sort())
  }
}
Listener.prototype.until = Client.prototype.until

function scene (order, text, layers = {}) {
  return new Y.Map([
    ['order', order], ['text', new Y.Text(text)], ['duration', 5], ['is_expanded', false],
    ['layers', new Y.Map(Object.entries(layers))]
  ])
}

function layer (order, type, properties = {}) {
  return new Y.Map([
    ['order', order], ['type', type], ['name', `A ${type}`], ['enabled', true],
    ['start_time', 0], ['duration', 2.5], ['properties', new Y.Map(Object.entries(properties))]
  ])
}

const requests = {
  async open ({ client, kind, ...options }) {
    clients.set(client, kind === 'socket.io' ? new Listener(options) : new Client(kind, options))
    return null
  },
  async run ({ client, code, given }) {
    const here = clients.get(client)
    const { doc, video, scenes, provider } = here
    const names = {
      Y, client: here, doc, video, scenes, provider, scene, layer, generateKeyBetween, ...given
    }
    return (await new AsyncFunction(...Object.keys(names), code)(...Object.values(names))) ?? null
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, request, ...options } = JSON.parse(line)
  requests[request](options).then(
    (value) => process.stdout.write(JSON.stringify({ id, value }) + '\n'),
    (error) => process.stdout.write(JSON.stringify({ id, error: String(error?.stack ?? error) }) + '\n')
  )
}
process.exit(0)
