// Transitions between scenes, as the renderer joins them: a scene's picture and a held one of its
// neighbour.

const SECOND = 1

/**
 * The transition that is on at a moment of a scene, or null.
 *
 * One that reaches the scene's end goes out to the scene after; another comes in from the one before.
 *
 * @param {Array<{layer: object, look: object}>} effects the scene's transitions
 * @param {object} scene
 * @param {number} t seconds from its start
 * @param {{before: object|null, after: object|null}} neighbours
 * @returns {{look: object, part: number, incoming: boolean, other: object}|null} `part`, 0 to 1, of
 *   the way from the earlier picture to the later
 */
export function transitionAt(effects, scene, t, { before, after }) {
  for (const { layer, look } of effects) {
    const end = layer.start + layer.duration
    const reaches = end >= scene.duration - 0.001
    if (reaches && layer.start > 0) {
      if (after && t >= layer.start) return { look, part: (t - layer.start) / (scene.duration - layer.start), incoming: false, other: after }
    } else if (before) {
      const stop = reaches ? Math.min(SECOND, scene.duration / 2) : end
      if (t < stop) return { look, part: t / stop, incoming: true, other: before }
    }
  }
  return null
}

/** Join the scene's picture, which is on the canvas, with `other`, its neighbour's. */
export function join(context, other, { look, part, incoming }) {
  const { width, height } = context.canvas
  if (look.kind === 'crossfade') {
    context.globalAlpha = incoming ? 1 - part : part
    context.drawImage(other, 0, 0)
    return
  }
  const [dx, dy] = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] }[look.way] ?? [-1, 0]
  const [x, y] = [dx * width * part, dy * height * part]
  if (look.kind === 'slide') {
    const earlier = [x, y]
    const later = [x - dx * width, y - dy * height]
    context.drawImage(context.canvas, ...(incoming ? later : earlier))
    context.drawImage(other, ...(incoming ? earlier : later))
    return
  }
  // What the later picture has covered so far; the earlier one shows in the rest.
  const wide = dx ? width * part : width
  const high = dy ? height * part : height
  const covered = [dx < 0 ? width - wide : 0, dy < 0 ? height - high : 0, wide, high]
  context.beginPath()
  context.rect(...covered)
  if (incoming) context.rect(0, 0, width, height)
  context.clip('evenodd')
  context.drawImage(other, 0, 0)
}
