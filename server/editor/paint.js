// Draws a scene at a moment as the renderer would.

import { animations, effectLook, fillsFrame, mediaLook, shapeLook, textLook } from './looks.js'
import { fadeAt, pose } from './motion.js'
import { drawText, layOutText } from './paint-text.js'
import { join, transitionAt } from './transitions.js'

const SEEN = ['text', 'media', 'shape', 'avatar', 'effect']
export const RATIOS = { '16:9': [16, 9], '9:16': [9, 16], '1:1': [1, 1], '4:5': [4, 5] }

/** The picture's size for a ratio; `short` is its shorter side in pixels. */
export function sizeOf(ratio, short) {
  const [wide, high] = RATIOS[ratio] ?? RATIOS['16:9']
  const unit = short / Math.min(wide, high)
  return { width: Math.round(wide * unit), height: Math.round(high * unit) }
}

/**
 * Draw a scene.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {{background: string}} video
 * @param {object} scene as `Project` reads it
 * @param {number} t seconds from its start
 * @param {{picture: (layer, t: number, playing: boolean) => {source, width, height}|null,
 *   isLoading: (layer) => boolean}} assets
 * @param {{playing: boolean, neighbours: {before, after}}} options `neighbours` are the scenes that
 *   transitions join this one with
 * @returns {Map<string, {x: number, y: number, width: number, height: number, rotation: number}>} the
 *   boxes of the layers that were drawn, in pixels, turned by `rotation` degrees about their middle
 */
export function paintScene(context, video, scene, t, assets, { playing = false, neighbours = {} } = {}) {
  const { canvas } = context
  const frame = { width: canvas.width, height: canvas.height, unit: Math.min(canvas.width, canvas.height) / 1080 }
  const boxes = new Map()
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.filter = 'none'
  context.globalAlpha = 1
  context.fillStyle = video.background
  context.fillRect(0, 0, frame.width, frame.height)
  const seen = scene.layers.filter((layer) => layer.enabled && SEEN.includes(layer.type) && t >= layer.start && t < layer.start + layer.duration)
  const isBackdrop = (layer) => layer.type === 'media' && fillsFrame(mediaLook(layer.properties))
  for (const layer of [...seen.filter(isBackdrop), ...seen.filter((one) => !isBackdrop(one))]) {
    context.save()
    const box = paintLayer(context, frame, layer, scene, t, assets, playing)
    context.restore()
    if (box) boxes.set(layer.id, box)
  }
  paintTransition(context, video, scene, t, assets, neighbours)
  return boxes
}

function paintTransition(context, video, scene, t, assets, neighbours) {
  const effects = scene.layers.filter((layer) => layer.enabled && layer.type === 'effect').map((layer) => ({ layer, look: effectLook(layer.properties) }))
  const found = transitionAt(effects.filter(({ look }) => look.effect === 'transition'), scene, t, neighbours)
  if (!found) return
  const { width, height } = context.canvas
  const other = new OffscreenCanvas(width, height)
  paintScene(other.getContext('2d'), video, found.other, found.incoming ? found.other.duration - 0.001 : 0, assets)
  context.save()
  join(context, other, found)
  context.restore()
}

function paintLayer(context, frame, layer, scene, t, assets, playing) {
  const { properties } = layer
  if (layer.type === 'effect') {
    paintEffect(context, frame, effectLook(properties), layer, scene, t)
    return null
  }
  const at = pose(animations(properties), properties, t - layer.start, layer.duration)
  const short = 1080 * frame.unit
  const place = (look) => {
    context.globalAlpha = look.opacity * at.alpha
    context.translate(look.x * frame.width + at.dx * short, look.y * frame.height + at.dy * short)
    context.scale(at.scale, at.scale)
  }
  const around = (look, width, height) => ({ x: look.x * frame.width - width / 2, y: look.y * frame.height - height / 2, width, height, rotation: look.rotation ?? 0 })
  if (layer.type === 'text') {
    const look = textLook(properties)
    if (!look.text.trim()) return around(look, 200 * frame.unit, 60 * frame.unit)
    const laid = layOutText(context, look, frame)
    place(look)
    drawText(context, look, laid, at.reveal, frame.unit)
    return around(look, laid.width, laid.height)
  }
  if (layer.type === 'shape') {
    const look = shapeLook(properties)
    const width = look.width * frame.width
    const height = look.height * frame.height
    place(look)
    context.rotate((look.rotation * Math.PI) / 180)
    paintShape(context, look, width, height, frame.unit)
    return around(look, width, Math.max(height, 24 * frame.unit))
  }
  const look = mediaLook(properties, layer.type === 'avatar' ? 'contain' : 'cover')
  const picture = assets.picture(layer, t - layer.start, playing)
  const natural = picture ?? (layer.type === 'avatar' ? { width: 9, height: 16 } : frame)
  let across = frame.width / natural.width
  let down = frame.height / natural.height
  if (look.fit === 'cover') across = down = Math.max(across, down)
  else if (look.fit === 'contain') across = down = Math.min(across, down)
  const width = natural.width * across * look.scale
  const height = natural.height * down * look.scale
  place(look)
  if (picture) {
    const zoom = look.zoomFrom * (look.zoomTo / look.zoomFrom) ** at.progress
    const wide = natural.width / zoom
    const high = natural.height / zoom
    const left = (look.fromX + (look.toX - look.fromX) * at.progress) * (natural.width - wide)
    const top = (look.fromY + (look.toY - look.fromY) * at.progress) * (natural.height - high)
    context.drawImage(picture.source, left, top, wide, high, -width / 2, -height / 2, width, height)
  } else if (!assets.isLoading(layer)) paintPlaceholder(context, layer, width, height, frame)
  return around(look, width, height)
}

function paintShape(context, look, width, height, unit) {
  context.lineWidth = look.strokeWidth * unit
  context.strokeStyle = look.stroke ?? '#FFFFFF'
  context.fillStyle = look.fill ?? '#FFFFFF'
  context.beginPath()
  if (look.shape === 'ellipse') context.ellipse(0, 0, width / 2, height / 2, 0, 0, 2 * Math.PI)
  else if (look.shape === 'rectangle') context.roundRect(-width / 2, -height / 2, width, height, Math.min(look.radius * unit, width / 2, height / 2))
  else {
    paintLine(context, look, width, height, unit)
    return
  }
  if (look.fill) context.fill()
  if (look.stroke && look.strokeWidth > 0) context.stroke()
}

function paintLine(context, look, width, height, unit) {
  const length = Math.max(1, Math.hypot(width, height))
  const head = look.shape === 'arrow' ? Math.max(4 * look.strokeWidth, 10) * unit : 0
  context.rotate(Math.atan2(height, width))
  context.moveTo(-length / 2, 0)
  context.lineTo(length / 2, 0)
  context.stroke()
  if (!head) return
  context.fillStyle = context.strokeStyle
  context.beginPath()
  context.moveTo(length / 2 + head, 0)
  context.lineTo(length / 2, head * 0.55)
  context.lineTo(length / 2, -head * 0.55)
  context.fill()
}

function paintPlaceholder(context, layer, width, height, frame) {
  context.fillStyle = '#3a4152'
  context.fillRect(-width / 2, -height / 2, width, height)
  context.strokeStyle = '#6b7489'
  context.lineWidth = 3 * frame.unit
  context.setLineDash([16 * frame.unit, 12 * frame.unit])
  context.strokeRect(-width / 2, -height / 2, width, height)
  context.fillStyle = '#c9d0e0'
  context.font = `500 ${Math.max(14, 34 * frame.unit)}px Inter, sans-serif`
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.fillText(layer.name, 0, 0, width * 0.9)
}

function paintEffect(context, frame, look, layer, scene, t) {
  const { canvas } = context
  if (look.effect === 'fade') {
    context.globalAlpha = Math.min(1, Math.max(0, fadeAt(look.way, t, layer.start, layer.duration, scene.duration)))
    context.fillStyle = look.color
    context.fillRect(0, 0, frame.width, frame.height)
  } else if (look.effect === 'vignette') {
    context.scale(frame.width / 2, frame.height / 2)
    const gradient = context.createRadialGradient(1, 1, 0.35, 1, 1, 1.2)
    const solid = Math.round(look.intensity * 255).toString(16).padStart(2, '0')
    gradient.addColorStop(0, `${look.color}00`)
    gradient.addColorStop(1, `${look.color}${solid}`)
    context.fillStyle = gradient
    context.fillRect(0, 0, 2, 2)
  } else if (look.effect === 'blur' || look.effect === 'adjust') {
    const filters = [`brightness(${look.brightness})`, `contrast(${look.contrast})`, `saturate(${look.saturation})`, `hue-rotate(${look.hue}deg)`, `sepia(${look.sepia})`]
    context.filter = look.effect === 'blur' ? `blur(${look.radius * frame.unit}px)` : filters.join(' ')
    context.drawImage(canvas, 0, 0)
  }
}
