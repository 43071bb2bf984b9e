// Where a layer is at a moment: the renderer's movements, with times instead of frames.

const SLIDE = 0.12
const ZOOM = 0.6
const TYPED_A_SECOND = 18

/**
 * A layer's pose `t` seconds after its start.
 *
 * @param {string[]} animations
 * @param {object} properties
 * @param {number} t
 * @param {number} span the layer's seconds
 * @returns {{alpha: number, dx: number, dy: number, scale: number, reveal: number, progress: number}}
 *   shifts in parts of the picture's shorter side
 */
export function pose(animations, properties, t, span) {
  const found = { alpha: 1, dx: 0, dy: 0, scale: 1, reveal: 1, progress: smooth(Math.min(Math.max(t / span, 0), 1)) }
  const wanted = Number(properties.animation_duration)
  const step = Math.max(1 / 30, Math.min(Number.isFinite(wanted) && wanted > 0 ? wanted : 0.5, span / 2))
  for (const kind of animations) {
    const rest = 1 - ease(Math.min(Math.max(t / step, 0), 1))
    if (kind === 'fadeOut') found.alpha *= 1 - Math.min(Math.max((t - span + step) / step, 0), 1)
    else if (kind === 'typewriter') {
      const length = [...String(properties.text ?? '')].length
      found.reveal = Math.min(1, t / Math.max(1 / 30, Math.min(length / TYPED_A_SECOND, span * 0.7)))
    } else if (kind === 'talking') {
      const turn = 2 * Math.PI * (t % 1)
      found.dy -= (0.006 * (1 - Math.cos(2 * turn))) / 2
      found.scale *= 1 + (0.012 * (1 - Math.cos(turn))) / 2
    } else if (kind !== 'kenBurns') {
      found.alpha *= 1 - rest
      if (kind === 'zoomIn') found.scale *= 1 - (1 - ZOOM) * rest
      found.dx += ({ slideLeft: SLIDE, slideRight: -SLIDE }[kind] ?? 0) * rest
      found.dy += ({ slideUp: SLIDE, slideDown: -SLIDE }[kind] ?? 0) * rest
    }
  }
  return found
}

/** How much of an effect's colour covers the picture, 0 to 1. */
export function fadeAt(way, t, start, span, sceneSeconds) {
  const part = Math.min(Math.max((t - start) / span, 0), 1)
  const end = start + span
  if (way === 'in' || (way !== 'out' && start === 0 && end < sceneSeconds)) return t < end ? 1 - part : 0
  if (way === 'out' || (start > 0 && end >= sceneSeconds)) return t >= start ? part : 0
  const step = Math.min(0.5, sceneSeconds / 2)
  if (start === 0) return t < step ? 1 - t / step : Math.max(0, (t - sceneSeconds + step) / step)
  return part < 0.5 ? part * 2 : 2 - part * 2
}

function ease(part) {
  return 1 - (1 - part) ** 3
}

function smooth(part) {
  const edge = 0.1
  if (part < edge) return (part * part) / (2 * edge * (1 - edge))
  if (part > 1 - edge) return 1 - (1 - part) ** 2 / (2 * edge * (1 - edge))
  return (part - edge / 2) / (1 - edge)
}
