// A layer's properties as typed values, with the renderer's own defaults and limits.

const WEIGHTS = { thin: 100, extralight: 200, light: 300, normal: 400, regular: 400, medium: 500, semibold: 600, bold: 700, extrabold: 800, black: 900 }
const ANIMATIONS = ['fadeIn', 'fadeOut', 'slideUp', 'slideDown', 'slideLeft', 'slideRight', 'zoomIn', 'typewriter', 'talking', 'kenBurns']
const ADJUST = ['color', 'colour', 'coloradjust', 'coloradjustment', 'coloradjustments', 'colouradjustments', 'brightness', 'contrast', 'saturation', 'grayscale', 'greyscale', 'sepia']

export function number(properties, name, fallback, low, high) {
  let value = properties[name] ?? fallback
  if (typeof value === 'string') value = value.trim() === '' ? NaN : Number(value.trim().replace(/(px|%)$/, ''))
  if (typeof value !== 'number' || !Number.isFinite(value)) return fallback
  return Math.min(Math.max(value, low), high)
}

export function string(properties, name, fallback = '') {
  return typeof properties[name] === 'string' ? properties[name] : fallback
}

export function colour(properties, names, fallback) {
  for (const name of names) {
    const value = properties[name]
    if (typeof value !== 'string') continue
    if (/^#[0-9a-f]{6}$/i.test(value)) return value
    if (/^#[0-9a-f]{3}$/i.test(value)) return `#${[...value.slice(1)].map((digit) => digit + digit).join('')}`
    if (value === 'none' || value === 'transparent') return null
  }
  return fallback
}

export function position(properties) {
  const given = properties.position && typeof properties.position === 'object' ? properties.position : {}
  return { x: number(given, 'x', 50, -200, 300) / 100, y: number(given, 'y', 50, -200, 300) / 100 }
}

export function animations(properties) {
  const asked = ['animation', 'animation_in', 'animation_out'].flatMap((name) => properties[name] ?? [])
  const plain = (name) => String(name).toLowerCase().replace(/[^a-z0-9]/g, '')
  return [...new Set(asked.map((name) => ANIMATIONS.find((known) => plain(known) === plain(name))).filter(Boolean))]
}

export function textLook(properties) {
  const weight = properties.font_weight
  const align = string(properties, 'text_align', 'center')
  const outline = colour(properties, ['outline_color', 'stroke_color'], null)
  return {
    text: string(properties, 'text'),
    size: number(properties, 'font_size', 32, 4, 1000),
    weight: WEIGHTS[typeof weight === 'string' ? weight.toLowerCase().replace(/[^a-z]/g, '') : ''] ?? Math.round(number(properties, 'font_weight', 400, 100, 900)),
    italic: ['italic', 'oblique'].includes(string(properties, 'font_style')),
    color: colour(properties, ['color'], '#FFFFFF') ?? '#FFFFFF',
    align: ['left', 'center', 'right'].includes(align) ? align : 'center',
    ...position(properties),
    opacity: number(properties, 'opacity', 1, 0, 1),
    lineHeight: number(properties, 'line_height', 1.25, 0.7, 4),
    maxWidth: number(properties, 'max_width', 90, 5, 200) / 100,
    background: colour(properties, ['background_color', 'background'], null),
    outline,
    outlineWidth: number(properties, 'outline_width', outline ? 2 : 0, 0, 50),
    shadow: properties.shadow === true,
  }
}

export function mediaLook(properties, defaultFit = 'cover') {
  const fit = string(properties, 'fit', defaultFit)
  const burns = properties.ken_burns ?? animations(properties).includes('kenBurns')
  const ends = burns && typeof burns === 'object' ? burns : {}
  const [first, last] = ['out', 'zoomOut', 'zoom_out'].includes(burns) ? [1.15, 1] : [1, 1.15]
  const end = (name) => (ends[name] && typeof ends[name] === 'object' ? ends[name] : {})
  const zooms = burns && burns !== 'none'
  return {
    ...position(properties),
    scale: number(properties, 'scale', 1, 0.01, 20),
    opacity: number(properties, 'opacity', 1, 0, 1),
    fit: ['cover', 'contain', 'fill'].includes(fit) ? fit : defaultFit,
    zoomFrom: zooms ? number(end('from'), 'scale', number(ends, 'zoom_from', first, 1, 4), 1, 4) : 1,
    zoomTo: zooms ? number(end('to'), 'scale', number(ends, 'zoom_to', last, 1, 4), 1, 4) : 1,
    fromX: number(end('from'), 'x', 50, 0, 100) / 100,
    fromY: number(end('from'), 'y', 50, 0, 100) / 100,
    toX: number(end('to'), 'x', 50, 0, 100) / 100,
    toY: number(end('to'), 'y', 50, 0, 100) / 100,
    trim: number(properties, 'trim_start', 0, 0, 86_400),
    loop: properties.loop !== false,
  }
}

/** Whether a media layer hides all beneath it, so that it lies at the back whatever its order. */
export function fillsFrame(look) {
  return Math.abs(look.x - 0.5) < 1e-6 && Math.abs(look.y - 0.5) < 1e-6 && look.scale >= 1 && look.opacity >= 1 && look.fit !== 'contain'
}

export function shapeLook(properties) {
  const named = string(properties, 'shape', string(properties, 'shape_type', 'rectangle'))
  const known = { rect: 'rectangle', square: 'rectangle', circle: 'ellipse' }[named] ?? named
  const shape = ['rectangle', 'ellipse', 'line', 'arrow'].includes(known) ? known : 'rectangle'
  const drawn = shape === 'line' || shape === 'arrow'
  const scale = number(properties, 'scale', 1, 0.01, 20)
  const stroked = drawn || 'stroke' in properties || 'stroke_color' in properties
  return {
    shape,
    ...position(properties),
    width: (number(properties, 'width', 30, 0, 400) / 100) * scale,
    height: (number(properties, 'height', drawn ? 0 : 30, 0, 400) / 100) * scale,
    fill: colour(properties, ['fill', 'fill_color', 'color'], drawn ? null : '#FFFFFF'),
    stroke: stroked ? colour(properties, ['stroke', 'stroke_color', 'color'], drawn ? '#FFFFFF' : null) : null,
    strokeWidth: number(properties, 'stroke_width', drawn ? 6 : 2, 0, 500),
    radius: number(properties, 'radius', number(properties, 'border_radius', 0, 0, 2000), 0, 2000),
    rotation: number(properties, 'rotation', 0, -3600, 3600),
    opacity: number(properties, 'opacity', 1, 0, 1),
  }
}

export function effectLook(properties) {
  const names = ['effect', 'effect_type', 'transition', 'type', 'kind']
  const named = names.map((name) => string(properties, name).toLowerCase().replace(/[^a-z]/g, '')).find(Boolean) ?? ''
  const strength = number(properties, 'intensity', ['blur', 'vignette'].includes(named) ? 0.5 : 1, 0, 5)
  const factor = (name, fallback) => number(properties, name, named === name ? number(properties, 'value', strength, 0, 5) : fallback, 0, 5)
  const grey = ['grayscale', 'greyscale'].includes(named) ? 1 - Math.min(strength, 1) : 1
  let effect = null
  if (['fade', 'fadein', 'fadeout'].includes(named)) effect = 'fade'
  else if (named === 'blur' || named === 'vignette') effect = named
  else if (ADJUST.includes(named)) effect = 'adjust'
  else if (/^(crossfade|dissolve|wipe|slide|push)/.test(named)) effect = 'transition'
  return {
    effect,
    kind: effect === 'transition' ? { dissolve: 'crossfade', push: 'slide' }[named] ?? named.match(/crossfade|wipe|slide/)[0] : effect,
    way: string(properties, 'direction').toLowerCase() || (effect === 'fade' ? named.slice(4) : named.replace(/^(wipe|slide)/, '')),
    color: colour(properties, ['color'], '#000000') ?? '#000000',
    intensity: Math.min(strength, 1),
    radius: number(properties, 'radius', 40 * Math.min(strength, 1), 0, 200),
    brightness: factor('brightness', 1),
    contrast: factor('contrast', 1),
    saturation: factor('saturation', grey),
    hue: number(properties, 'hue', 0, -360, 360),
    sepia: named === 'sepia' ? Math.min(strength, 1) : number(properties, 'sepia', 0, 0, 1),
  }
}
