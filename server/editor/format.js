// Numbers and times as people read them.

/** Seconds as `1:05.2`, or without the tenth. */
export function clock(seconds, tenths = true) {
  const value = Math.max(0, tenths ? Math.round(seconds * 10) / 10 : Math.round(seconds))
  const minutes = Math.floor(value / 60)
  const rest = (value - minutes * 60).toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, '0')
  return `${minutes}:${rest}`
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const UNITS = [['year', 31_536_000], ['month', 2_592_000], ['week', 604_800], ['day', 86_400], ['hour', 3600], ['minute', 60]]

/** An ISO time as `2 hours ago`. */
export function ago(iso, now = Date.now()) {
  const seconds = (Date.parse(iso) - now) / 1000
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit)
  }
  return 'just now'
}

export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`
}

export function capital(text) {
  return text[0].toUpperCase() + text.slice(1)
}

export function round(value, digits = 2) {
  const factor = 10 ** digits
  return Math.round(value * factor) / factor
}

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high)
}
