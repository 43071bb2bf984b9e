// Pictures of scenes that REST shows: each video's first on its card, and those of a version.

import { Assets } from './assets.js'
import { h } from './dom.js'
import { LAYER_TYPES } from './project.js'
import { paintScene, sizeOf } from './paint.js'

const SHORT = 240
const MOST_SCENES = 50
const BACKGROUND = '#000000'

export class Covers {
  #painted = []
  #turn = 0

  constructor(rest) {
    this.rest = rest
    this.assets = new Assets(rest)
    this.assets.addEventListener('change', () => this.#painted.forEach((paint) => paint()))
  }

  /** Draw the covers of `cards` (`{video, place}`) into their places, one after the other. */
  async draw(cards) {
    const turn = ++this.#turn
    this.#painted = []
    for (const { video, place } of cards) {
      if (video.scene_count === 0 || video.scene_count > MOST_SCENES) continue
      const scene = await this.#firstScene(video)
      if (turn !== this.#turn) return
      if (scene) this.#paint(video, scene, place)
    }
  }

  close() {
    this.#turn += 1
    this.#painted = []
    this.assets.close()
  }

  async #firstScene(video) {
    try {
      const { scenes } = await this.rest.get(`/videos/${video.id}/scenes`)
      return scenes.find((scene) => scene.layers.some(isSeen)) ?? null
    } catch {
      return null // the card keeps the look that it has without a cover
    }
  }

  #paint(video, scene, place) {
    const { canvas, paint } = pictureOf({ ratio: video.aspect_ratio, background: BACKGROUND }, scene, this.assets)
    this.#painted.push(paint)
    place.append(canvas)
  }
}

/**
 * A picture of the middle of a scene, as the REST API shows one.
 *
 * @returns {{canvas: HTMLCanvasElement, paint: () => void}} `paint` draws it anew, when a file has loaded
 */
export function pictureOf({ ratio, background }, { duration, layers }, assets) {
  const canvas = h('canvas', { class: 'cover', ...sizeOf(ratio, SHORT) })
  const scene = { duration, layers: layers.filter(({ type }) => LAYER_TYPES.includes(type)).map(readLayer) }
  const paint = () => paintScene(canvas.getContext('2d'), { background }, scene, duration / 2, assets)
  paint()
  return { canvas, paint }
}

function isSeen({ type, enabled }) {
  return enabled && ['text', 'media', 'shape', 'avatar'].includes(type)
}

function readLayer({ id, type, name, enabled, start_time: start, duration, properties }) {
  return { id, type, name, enabled, start, duration, properties }
}
