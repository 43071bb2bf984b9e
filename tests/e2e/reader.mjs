// Applies updates with Yjs: a line of JSON, `[update, ...]` in base64, is answered by what a new
// document shows after them.

import { createInterface } from 'node:readline'
import * as Y from 'yjs'

for await (const line of createInterface({ input: process.stdin })) {
  const doc = new Y.Doc()
  const answer = {}
  try {
    for (const update of JSON.parse(line)) Y.applyUpdate(doc, Buffer.from(update, 'base64'))
    answer.waits = doc.store.pendingStructs !== null || doc.store.pendingDs !== null
    answer.vector = Buffer.from(Y.encodeStateVector(doc)).toString('base64')
    answer.map = doc.getMap('map').toJSON()
    answer.text = doc.getText('text').toString()
  } catch (error) {
    answer.threw = String(error?.stack ?? error)
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
