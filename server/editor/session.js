// Who works here: the token, where it comes from, and what it says.

const KEY = 'cocut:token'
const NAME_KEY = 'cocut:name'
const RENEW_SECONDS = 120
const RETRY_MS = 5000
const COLOURS = ['#d1495b', '#00798c', '#8f5bd6', '#2e8b57', '#c06014', '#3066be', '#b5388e', '#5c7a1f', '#7a5c3e', '#0f7173']
const FIRST = ['Amber', 'Brisk', 'Calm', 'Clever', 'Coral', 'Golden', 'Kind', 'Lively', 'Quiet', 'Sunny', 'Swift', 'Warm']
const SECOND = ['Badger', 'Crane', 'Falcon', 'Finch', 'Fox', 'Heron', 'Lynx', 'Otter', 'Panda', 'Robin', 'Seal', 'Wren']

/**
 * The session. Events: `change` (a new token, or none), `expired` (the token has ended, and no new
 * one came by itself).
 */
export class Session extends EventTarget {
  #token = null
  #guest = false
  #timer = 0
  #asking = null
  #waits = false

  constructor() {
    super()
    addEventListener('storage', ({ key, newValue }) => {
      // Another tab of the same person has a new token.
      if (key === KEY && newValue && this.#token && readClaims(newValue)?.sub === this.user) this.#take(newValue, this.#guest)
    })
  }

  get token() {
    return this.#token
  }

  get isGuest() {
    return this.#guest
  }

  get user() {
    return this.claims?.sub ?? null
  }

  get tier() {
    return this.claims?.tier ?? 'free'
  }

  get claims() {
    return this.#token ? readClaims(this.#token) : null
  }

  get isExpired() {
    const claims = this.claims
    return !claims || claims.exp * 1000 <= Date.now()
  }

  /** The name that others see. */
  get name() {
    if (this.claims?.name) return this.claims.name
    const kept = localStorage.getItem(NAME_KEY)
    if (kept) return kept
    if (this.user && !this.#guest) return this.user
    const made = `${pick(FIRST)} ${pick(SECOND)}`
    localStorage.setItem(NAME_KEY, made)
    return made
  }

  set name(name) {
    localStorage.setItem(NAME_KEY, name)
    this.dispatchEvent(new Event('change'))
  }

  get canRename() {
    return !this.claims?.name
  }

  /** The colour that others see; it follows from the name. */
  get colour() {
    let sum = 0
    for (const character of this.name) sum = (sum * 31 + character.codePointAt(0)) % 65_521
    return COLOURS[sum % COLOURS.length]
  }

  /** Take up the kept token, or become a guest where the server has guests. */
  async begin() {
    const kept = localStorage.getItem(KEY)
    const claims = kept ? readClaims(kept) : null
    const guest = localStorage.getItem(`${KEY}:guest`) === '1'
    if (claims && claims.exp * 1000 > Date.now()) this.#take(kept, guest)
    else if (await this.#becomeGuest()) return true
    else if (claims && guest && this.#waits) this.#take(kept, true) // what is kept here can be opened
    return this.#token !== null
  }

  /** Sign in with a token; throws if it cannot be one. */
  signIn(token) {
    const claims = readClaims(token.trim())
    if (!claims) throw new Error('This is not a token: it should have three parts with dots between.')
    if (claims.exp * 1000 <= Date.now()) throw new Error('This token has expired.')
    this.#take(token.trim(), false)
  }

  signOut() {
    clearTimeout(this.#timer)
    localStorage.removeItem(KEY)
    this.#token = null
    this.#guest = false
    this.dispatchEvent(new Event('change'))
  }

  /** The server does not take a token any more: get another, or say so; true if there is one. */
  async refused(token) {
    if (token !== this.#token) return this.#token !== null
    if (this.#guest) {
      this.#asking ??= this.#becomeGuest().finally(() => (this.#asking = null))
      if (await this.#asking) return true
      if (this.#waits) return false
    }
    this.dispatchEvent(new Event('expired'))
    return false
  }

  /** Whether a guest's token came; if not for want of a server, `#waits`, and it is asked again. */
  async #becomeGuest() {
    clearTimeout(this.#timer)
    try {
      const response = await fetch('/editor/token', { method: 'POST' })
      this.#waits = response.status >= 429
      if (response.ok) {
        const { data } = await response.json()
        this.#take(data.token, true)
        return true
      }
    } catch {
      this.#waits = true
    }
    if (this.#waits && this.#guest) this.#timer = setTimeout(() => this.refused(this.#token), RETRY_MS)
    return false
  }

  #take(token, guest) {
    this.#token = token
    this.#guest = guest
    localStorage.setItem(KEY, token)
    localStorage.setItem(`${KEY}:guest`, guest ? '1' : '0')
    clearTimeout(this.#timer)
    const left = this.claims.exp * 1000 - Date.now()
    const wait = Math.max(1000, guest ? left - RENEW_SECONDS * 1000 : left)
    this.#timer = setTimeout(() => this.refused(token), wait)
    this.dispatchEvent(new Event('change'))
  }
}

function readClaims(token) {
  try {
    const part = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')
    const bytes = Uint8Array.from(atob(part), (character) => character.charCodeAt(0))
    const claims = JSON.parse(new TextDecoder().decode(bytes))
    return typeof claims.sub === 'string' && typeof claims.exp === 'number' ? claims : null
  } catch {
    return null
  }
}

function pick(list) {
  return list[crypto.getRandomValues(new Uint32Array(1))[0] % list.length]
}
