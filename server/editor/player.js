// Playing: where in the selected scene the film stands, and its sounds.

import { clamp } from './format.js'
import { number } from './looks.js'

// Music gives way to speech, as in the renderer: by 12 dB, from a little before to a little after.
const DUCKED = 10 ** (-12 / 20)
const ATTACK = 0.15
const RELEASE = 0.5
const PAUSE = 0.8 // shorter silences between words do not let the music up

/** The player. Event: `change`, when the time or `playing` changed. */
export class Player extends EventTarget {
  time = 0
  playing = false
  #frame = 0
  #last = 0
  #sounding = new Set()

  constructor(project, selection, assets) {
    super()
    Object.assign(this, { project, selection, assets })
  }

  close() {
    this.pause()
  }

  get scene() {
    return this.project.scene(this.selection.scene)
  }

  seek(time) {
    this.time = clamp(time, 0, this.scene?.duration ?? 0)
    this.#changed()
  }

  toggle() {
    if (this.playing) this.pause()
    else this.play()
  }

  play() {
    if (!this.scene) return
    if (this.time >= this.scene.duration - 0.05) this.time = 0
    this.playing = true
    this.#last = performance.now()
    this.#frame = requestAnimationFrame(this.#step)
    this.#changed()
  }

  pause() {
    cancelAnimationFrame(this.#frame)
    this.playing = false
    for (const sound of this.#sounding) sound.pause()
    this.#sounding.clear()
    this.#changed()
  }

  /** Go to the scene before or after. */
  skip(step) {
    const { scenes } = this.project
    const at = scenes.findIndex((scene) => scene.id === this.selection.scene)
    const next = scenes[at + step]
    if (!next) return false
    this.selection.select(next.id)
    this.time = 0
    this.#changed()
    return true
  }

  #step = (now) => {
    const { scene } = this
    if (!scene) return this.pause()
    this.time += (now - this.#last) / 1000
    this.#last = now
    if (this.time >= scene.duration) {
      const over = this.time - scene.duration
      if (!this.skip(1)) {
        this.time = scene.duration
        return this.pause()
      }
      this.time = over
    }
    this.#sound()
    this.#changed()
    this.#frame = requestAnimationFrame(this.#step)
    return undefined
  }

  #sound() {
    const wanted = new Set()
    const layers = (this.scene?.layers ?? []).filter((layer) => layer.enabled)
    const speech = joined(layers.filter((layer) => layer.type === 'voiceover').flatMap((layer) => this.#spoken(layer)))
    for (const layer of layers) {
      const t = this.time - layer.start
      if (layer.type === 'media') this.assets.sayLoudness(layer, loudness(layer, t, 0) * ducking(layer, this.time, speech))
      // A voice speaks on past its layer, rather than break off, but not into the next scene.
      if (!['audio', 'voiceover'].includes(layer.type) || t < 0 || (layer.type === 'audio' && t >= layer.duration)) continue
      const element = this.assets.sound(layer)
      if (!element) continue
      wanted.add(element)
      const offset = number(layer.properties, 'trim_start', 0, 0, 86_400)
      const length = Math.max(0.1, element.duration - offset)
      const at = offset + (layer.type === 'audio' && layer.properties.loop !== false ? t % length : t)
      if (Math.abs(element.currentTime - at) > 0.25) element.currentTime = Math.min(at, element.duration)
      const lasts = layer.type === 'audio' ? layer.duration : Math.min(element.duration, this.scene.duration - layer.start)
      element.volume = loudness(layer, t, 1, lasts) * ducking(layer, this.time, speech)
      if (element.paused && at < element.duration) element.play().catch(() => {})
    }
    for (const element of this.#sounding) if (!wanted.has(element)) element.pause()
    this.#sounding = wanted
  }

  /** From when to when a voiceover speaks, in seconds of the scene: by its words, if their times are known. */
  #spoken(layer) {
    const element = this.assets.sound(layer)
    if (!element) return []
    const { words } = layer.properties
    const known = Array.isArray(words) ? words.filter((word) => Number.isFinite(word?.start) && Number.isFinite(word?.end)) : []
    return (known.length ? known : [{ start: 0, end: element.duration }]).map(({ start, end }) => ({ start: layer.start + start, end: layer.start + end }))
  }

  #changed() {
    this.dispatchEvent(new Event('change'))
  }
}

/** Spans in order, those that are close made one. */
function joined(spans) {
  const result = []
  for (const { start, end } of spans.sort((a, b) => a.start - b.start)) {
    const last = result.at(-1)
    if (last && start - last.end <= PAUSE) last.end = Math.max(last.end, end)
    else result.push({ start, end })
  }
  return result
}

function ducking({ type, properties }, time, speech) {
  const effect = properties.category === 'sound_effects' || properties.ducking === false
  if (type === 'voiceover' || effect) return 1
  const far = (span) => Math.max((span.start - time) / ATTACK, (time - span.end) / RELEASE)
  const nearest = clamp(Math.min(1, ...speech.map(far)), 0, 1)
  return DUCKED + (1 - DUCKED) * nearest
}

function loudness({ properties, duration: lasts }, t, usual, duration = lasts) {
  const fadeIn = number(properties, 'fade_in', 0, 0, duration)
  const fadeOut = number(properties, 'fade_out', 0, 0, duration)
  let volume = properties.muted === true ? 0 : number(properties, 'volume', usual, 0, 4)
  if (fadeIn > 0) volume *= clamp(t / fadeIn, 0, 1)
  if (fadeOut > 0) volume *= clamp((duration - t) / fadeOut, 0, 1)
  return clamp(volume, 0, 1)
}
