// What one version of the video shows: a picture of each scene, with its words and layers.

import { Assets } from './assets.js'
import { pictureOf } from './covers.js'
import { h } from './dom.js'
import { clock, plural } from './format.js'
import { openDialog } from './widgets.js'

const MOST_PICTURES = 60

/** Open the dialog that shows a version, as `GET .../versions/{n}` tells it. */
export function showVersion(rest, title, { video, scenes }) {
  const assets = new Assets(rest)
  const pictures = []
  const ratio = video.aspect_ratio
  const [wide, high] = ratio.split(':').map(Number)
  const row = (scene, index) => {
    const place = h('span', { class: 'version-picture', style: { '--ratio': `${wide} / ${high}` }, 'aria-hidden': 'true' })
    if (index < MOST_PICTURES) {
      const { canvas, paint } = pictureOf({ ratio, background: video.background }, scene, assets)
      pictures.push(paint)
      place.append(canvas)
    }
    return h(
      'li',
      {},
      place,
      h(
        'span',
        { class: 'grow' },
        h('span', { class: 'quiet small block' }, `Scene ${scene.scene_number} · ${clock(scene.duration)} · ${plural(scene.layers.length, 'layer')}`),
        h('span', { class: 'block version-text' }, scene.text || h('span', { class: 'quiet' }, 'Nothing is said.')),
        scene.layers.length ? h('span', { class: 'quiet small block' }, scene.layers.map((layer) => layer.name).join(', ')) : null,
      ),
    )
  }
  const list = h('ol', { class: 'version-scenes', 'aria-label': 'Scenes of the version' }, ...scenes.map(row))
  assets.addEventListener('change', () => pictures.forEach((paint) => paint()))
  const empty = h('p', { class: 'quiet' }, 'It has no scenes.')
  const heading = h('p', { class: 'quiet' }, `“${video.title}” · ${ratio} · ${plural(scenes.length, 'scene')}`)
  openDialog(title, [heading, scenes.length ? list : empty], { wide: true, onClose: () => assets.close() })
}
