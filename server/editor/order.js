// Order keys: where things stand among their neighbours.

import { generateKeyBetween, generateNKeysBetween } from './vendor/collaboration.js'

const GOOD = /^[A-Za-z][0-9A-Za-z]*$/

/** By the key's bytes, malformed keys last, ties by id. */
export function compare(a, b) {
  const one = isGood(a.order)
  const other = isGood(b.order)
  if (one !== other) return one ? -1 : 1
  if (one && a.order !== b.order) return a.order < b.order ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/**
 * A key for a place among `items` (in order, each with `order` and `map`): before the one at
 * `index`. Neighbours with equal or malformed keys get new ones first; call it in a transaction.
 */
export function keyAt(items, index) {
  const keyOf = (at) => items[at]?.map.get('order') ?? null
  let low = index - 1
  let high = index
  const fits = (a, b) => (a === null || isGood(a)) && (b === null || isGood(b)) && (a === null || b === null || a < b)
  if (!fits(keyOf(low), keyOf(high))) {
    while (low >= 0 && !(isGood(keyOf(low)) && (low === 0 || keyOf(low - 1) < keyOf(low)))) low -= 1
    while (high < items.length && !(isGood(keyOf(high)) && (low < 0 || keyOf(low) < keyOf(high)))) high += 1
    const fresh = generateNKeysBetween(keyOf(low), keyOf(high), high - low - 1)
    fresh.forEach((key, offset) => items[low + 1 + offset].map.set('order', key))
  }
  return generateKeyBetween(keyOf(index - 1), keyOf(index))
}

function isGood(key) {
  if (typeof key !== 'string' || !GOOD.test(key)) return false
  try {
    generateKeyBetween(key, null)
    return true
  } catch {
    return false
  }
}
