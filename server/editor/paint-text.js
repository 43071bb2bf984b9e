// Texts on the canvas: broken into lines and drawn with their background, outline and shadow.

const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const SPACE = /^\s$/
const BREAK_BEHIND = /^[-‐–—/\u200b\u00ad]$/
const NOT_FIRST = /^[、。，．：；？！）］｝〕〉》」』】〙〗〟’”｠»ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々〻・…‥,.:;?!)\]}%]/
const NOT_LAST = /^[（［｛〔〈《「『【〘〖〝‘“｟«([{$]/
const WIDE = /^(?![\u3130-\u318f\uac00-\ud7af])[\u2e80-\u{10ffff}]/u

/** Break a text into lines that fit; the result has `lines`, `lineHeight`, `pad`, `width`, `height`. */
export function layOutText(context, look, { width: frameWidth, height: frameHeight, unit }) {
  const size = Math.max(4, Math.round(look.size * unit))
  context.font = `${look.italic ? 'italic ' : ''}${look.weight} ${size}px Inter, "Noto Sans", sans-serif`
  const limit = look.maxWidth * frameWidth
  const lineHeight = size * look.lineHeight
  const most = Math.floor((frameHeight * 1.5) / lineHeight) + 2
  const lines = []
  for (const paragraph of look.text.replaceAll('\r\n', '\n').split('\n')) {
    let rest = paragraph
    do {
      const [line, left] = firstLine(context, rest, limit)
      lines.push({ text: line, width: context.measureText(line).width })
      rest = left
    } while (rest && lines.length < most)
  }
  const widest = Math.max(0, ...lines.map((line) => line.width))
  const pad = Math.round(size * (look.background ? 0.5 : 0.35) + look.outlineWidth * unit)
  return { lines, size, lineHeight, pad, widest, width: widest + 2 * pad, height: lineHeight * lines.length + 2 * pad }
}

/** Draw a laid out text around the origin; `reveal` is the part of it that is typed. */
export function drawText(context, look, laid, reveal, unit) {
  const { width, height, pad, size } = laid
  if (look.background) {
    context.fillStyle = look.background
    context.beginPath()
    context.roundRect(-width / 2, -height / 2, width, height, size / 5)
    context.fill()
  }
  if (look.shadow) {
    context.shadowColor = '#000000b3'
    context.shadowBlur = size / 6
    context.shadowOffsetX = context.shadowOffsetY = size / 20
  }
  context.textAlign = 'left'
  context.textBaseline = 'alphabetic'
  context.lineJoin = 'round'
  let shown = Math.round(laid.lines.reduce((sum, line) => sum + line.text.length, 0) * reveal)
  laid.lines.forEach((line, index) => {
    const free = laid.widest - line.width
    const left = -width / 2 + pad + { left: 0, center: free / 2, right: free }[look.align]
    const base = -height / 2 + pad + index * laid.lineHeight + laid.lineHeight / 2 + size * 0.36
    const text = line.text.slice(0, Math.max(0, shown))
    shown -= line.text.length
    if (look.outline && look.outlineWidth) {
      context.strokeStyle = look.outline
      context.lineWidth = look.outlineWidth * unit * 2
      context.strokeText(text, left, base)
    }
    context.fillStyle = look.color
    context.fillText(text, left, base)
  })
}

function firstLine(context, text, limit) {
  if (context.measureText(text).width <= limit) return [text, '']
  const parts = [...segments.segment(text)].map(({ segment }) => segment)
  let low = 1
  let high = parts.length
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (context.measureText(parts.slice(0, middle).join('')).width <= limit) low = middle
    else high = middle - 1
  }
  const line = parts.slice(0, lastBreak(parts, low)).join('')
  return [line.trimEnd(), text.slice(line.length).trimStart()]
}

/** How many of the parts, at most `most`, belong on a line: up to a space, a hyphen, a wide character. */
function lastBreak(parts, most) {
  const inked = parts.findIndex((part) => !SPACE.test(part))
  for (let place = Math.min(most, parts.length - 1); place > inked; place -= 1) if (mayBreak(parts, place)) return place
  return most
}

function mayBreak(parts, place) {
  const [before, after] = [parts[place - 1], parts[place]]
  if (SPACE.test(after) || SPACE.test(before)) return true
  if (BREAK_BEHIND.test(before)) return place > 1 && /^[\p{L}\p{N}]/u.test(parts[place - 2]) && /^\p{L}/u.test(after)
  if (NOT_FIRST.test(after) || NOT_LAST.test(before)) return false
  return WIDE.test(before) || WIDE.test(after)
}
