// The files that layers show and play: loaded once, through fresh links.

const SIGNED_MS = 6 * 3600 * 1000
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Pictures, films and sounds by address. Event: `change`, when one has loaded. */
export class Assets extends EventTarget {
  #known = new Map()
  #links = new Map()
  #named = new Map()

  /** Of a video, whose layers may name things by id alone; without one they are not found. */
  constructor(rest, video = null) {
    super()
    Object.assign(this, { rest, video })
  }

  close() {
    for (const { element } of this.#known.values()) {
      if (element instanceof HTMLMediaElement) {
        element.pause()
        element.removeAttribute('src')
      }
    }
    this.#known.clear()
  }

  /** What a media or avatar layer shows `t` seconds after its start; null while there is none. */
  picture(layer, t, playing) {
    const known = this.#pictureOf(layer)
    if (!known?.ready) return null
    const { element } = known
    if (element.tagName === 'VIDEO') {
      follow(element, t, playing, layer.properties)
      return { source: element, width: element.videoWidth, height: element.videoHeight }
    }
    return { source: element, width: element.naturalWidth, height: element.naturalHeight }
  }

  /** Whether a layer's picture is on its way. */
  isLoading(layer) {
    const known = this.#pictureOf(layer)
    if (known) return !known.ready && !known.failed
    return this.#find(layer)?.pending === true
  }

  /** The audio element of a layer, or null while it has no file. */
  sound(layer) {
    const address = layer.properties.audio_url ?? this.#find(layer)?.asset?.url
    if (typeof address !== 'string') return null
    const known = this.#load(`${layer.id} ${address}`, 'audio', address)
    return known.ready ? known.element : null
  }

  /** How loud a film layer is, 0 to 1. */
  sayLoudness(layer, loudness) {
    const element = this.#pictureOf(layer)?.element
    if (element?.tagName !== 'VIDEO') return
    element.muted = loudness <= 0
    element.volume = loudness
  }

  /** A link that can be opened now, for a file's address. */
  async link(address) {
    const known = this.#links.get(address)
    if (known && known.until > Date.now()) return known.link
    if (!address.includes('/api/v1/blobs/')) return address
    let link = address
    try {
      const { urls } = await this.rest.post('/blobs/sign', { urls: [address] })
      link = urls[0].signed_url ?? address
    } catch {
      // A server that signs no links takes the address as it is.
    }
    this.#links.set(address, { link, until: Date.now() + SIGNED_MS })
    return link
  }

  #pictureOf(layer) {
    const { properties } = layer
    if (layer.type !== 'avatar') {
      const address = properties.media_url ?? properties.video_url ?? properties.image_url
      if (typeof address === 'string') return this.#show(layer, address, properties.media_type === 'video')
      const asset = this.#find(layer)?.asset
      return asset ? this.#show(layer, asset.url, asset.type === 'video') : null
    }
    const asset = properties.video_url ? null : this.#find(layer)?.asset
    const film = this.#show(layer, properties.video_url ?? asset?.video_url)
    return film && !film.failed ? film : this.#show(layer, asset?.url ?? properties.avatar_url)
  }

  /** What a layer's id names, as the renderer finds it: `{asset, pending}`, or null if it has none. */
  #find({ type, properties }) {
    const [place, id] = { avatar: ['avatars', properties.avatar_id], media: ['media', properties.media_id], audio: ['audio', properties.audio_id] }[type] ?? []
    if (!this.video || !ID.test(id ?? '')) return null
    const path = `/videos/${this.video}/${place}/${id}`
    const before = this.#named.get(path)
    if (before) return before
    const found = { asset: null, pending: true }
    this.#named.set(path, found)
    this.rest
      .get(path)
      .then(({ asset }) => {
        found.asset = { ...asset, url: unsigned(asset.url), video_url: unsigned(asset.video_url) }
      })
      .catch(() => null) // it was deleted, or there is no answer: what the layer's links name is shown
      .finally(() => {
        found.pending = false
        this.dispatchEvent(new Event('change'))
      })
    return found
  }

  #show({ id, properties }, address, isVideo = false) {
    if (typeof address !== 'string') return null
    const isFilm = isVideo || properties.media_type === 'video' || /\.(mp4|mov|webm)(\?|$)/i.test(address)
    return this.#load(isFilm ? `${id} ${address}` : address, isFilm ? 'video' : 'img', address)
  }

  #load(key, tag, address) {
    const before = this.#known.get(key)
    if (before) return before
    const element = document.createElement(tag)
    const known = { element, ready: false, failed: false }
    this.#known.set(key, known)
    const become = (field) => () => {
      known[field] = true
      this.dispatchEvent(new Event('change'))
    }
    const loaded = become('ready')
    const failed = become('failed')
    element.addEventListener('error', failed)
    if (tag === 'img') element.addEventListener('load', loaded)
    else {
      element.preload = 'auto'
      element.muted = tag === 'video'
      element.playsInline = true
      element.addEventListener('loadeddata', loaded)
      element.addEventListener('seeked', () => this.dispatchEvent(new Event('change')))
    }
    this.link(address).then((link) => {
      const wanted = URL.canParse(link, location.href) ? new URL(sameOrigin(link), location.href) : null
      if (wanted?.origin === location.origin) element.src = wanted.href
      else failed() // only the renderer fetches from elsewhere, with care
    })
    return known
  }
}

/** A link as documents keep it; `link` signs it when it is opened. */
export function unsigned(link) {
  return link?.includes('/api/v1/blobs/') ? link.split('?')[0] : link
}

/** The server's own links, whatever name it gave itself in them. */
export function sameOrigin(link) {
  const url = new URL(link, location.href)
  return url.pathname.startsWith('/api/v1/blobs/') ? url.pathname + url.search : link
}

function follow(element, t, playing, properties) {
  const trim = Number(properties.trim_start) || 0
  const length = Math.max(0.1, element.duration - trim)
  const wanted = trim + (properties.loop === false ? Math.min(t, length) : t % length)
  if (Math.abs(element.currentTime - wanted) > (playing ? 0.3 : 0.02) && !element.seeking) element.currentTime = wanted
  if (playing && element.paused) element.play().catch(() => {})
  if (!playing && !element.paused) element.pause()
}
