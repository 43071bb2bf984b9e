// What the editor page uses of its third-party modules: one bundle, so that there is one Yjs.
export * as Y from 'yjs'
export { WebsocketProvider } from 'y-websocket'
export { IndexeddbPersistence, clearDocument } from 'y-indexeddb'
export { generateKeyBetween, generateNKeysBetween } from 'fractional-indexing'
export * as encoding from 'lib0/encoding'
export * as decoding from 'lib0/decoding'
