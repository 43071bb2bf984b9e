// The seven types of layers: how they are called, what a new one has, and what can be set.

const WEIGHTS = [['300', 'Light'], ['normal', 'Regular'], ['500', 'Medium'], ['semibold', 'Semibold'], ['bold', 'Bold'], ['black', 'Black']]
const ENTRANCES = [['none', 'None'], ['fadeIn', 'Fade in'], ['fadeOut', 'Fade out'], ['slideUp', 'Slide up'], ['slideDown', 'Slide down'], ['slideLeft', 'Slide left'], ['slideRight', 'Slide right'], ['zoomIn', 'Zoom in']]
const FITS = [['cover', 'Cover'], ['contain', 'Contain'], ['fill', 'Stretch']]

const range = (key, label, min, max, step, fallback, unit = '') => ({ kind: 'range', key, label, min, max, step, fallback, unit })
const choice = (key, label, options, fallback) => ({ kind: 'choice', key, label, options, fallback })
// `optional` is what stands for no colour: `'none'`, or true where the key is left out.
const colour = (key, label, fallback, optional = false) => ({ kind: 'colour', key, label, fallback, optional })
const toggle = (key, label, fallback) => ({ kind: 'toggle', key, label, fallback })
const place = { kind: 'position', key: 'position', label: 'Position' }
const when = (fits, ...specs) => specs.map((spec) => ({ ...spec, when: fits }))
const effects = (...names) => ({ effect }) => names.includes(effect ?? 'fade')
const isFilm = ({ media_type: type }) => type === 'video'
const percent = (key, label, fallback = 1) => ({ ...range(key, label, 0, 1, 0.01, fallback), percent: true })

/**
 * By type: `label`, `icon`, `fresh` (a new layer's properties), `library` (the tab of the library
 * that fills it) and `groups` of
 * controls, of which those are shown whose `when` fits the layer's properties.
 */
export const TYPES = {
  text: {
    label: 'Text',
    icon: 'text',
    fresh: { text: 'Your text', font_family: 'Inter', font_size: 72, font_weight: 'bold', color: '#FFFFFF', text_align: 'center', position: { x: 50, y: 50 }, animation: 'none' },
    groups: [
      ['Text', [{ kind: 'text', key: 'text', label: 'Text' }]],
      ['Style', [choice('font_family', 'Font', [['Inter', 'Inter']], 'Inter'), range('font_size', 'Size', 8, 240, 1, 32, 'px'), choice('font_weight', 'Weight', WEIGHTS, 'normal'), choice('font_style', 'Slant', [['normal', 'Upright'], ['italic', 'Italic']], 'normal'), choice('text_align', 'Align', [['left', 'Left'], ['center', 'Centre'], ['right', 'Right']], 'center'), colour('color', 'Colour', '#FFFFFF'), colour('background_color', 'Background', '#000000', true), colour('outline_color', 'Outline', '#000000', true), range('line_height', 'Line height', 0.8, 2.5, 0.05, 1.25), toggle('shadow', 'Shadow', false)]],
      ['Layout', [place, range('max_width', 'Width', 10, 100, 1, 90, '%'), percent('opacity', 'Opacity')]],
      ['Animation', [choice('animation', 'Animation', [...ENTRANCES, ['typewriter', 'Typewriter']], 'none')]],
    ],
  },
  media: {
    label: 'Media',
    icon: 'media',
    library: 'media',
    fresh: { media_type: 'image', fit: 'cover', position: { x: 50, y: 50 }, scale: 1, opacity: 1 },
    groups: [
      ['Layout', [place, range('scale', 'Scale', 0.1, 3, 0.01, 1, '×'), choice('fit', 'Fit', FITS, 'cover'), percent('opacity', 'Opacity')]],
      ['Animation', [choice('animation', 'Animation', [...ENTRANCES, ['kenBurns', 'Ken Burns']], 'none')]],
      ['Film', when(isFilm, range('trim_start', 'Starts at', 0, 60, 0.1, 0, 's'), percent('volume', 'Volume', 0), toggle('loop', 'Repeat', true))],
    ],
  },
  shape: {
    label: 'Shape',
    icon: 'shape',
    fresh: { shape: 'rectangle', fill: '#4F6BD6', width: 30, height: 30, position: { x: 50, y: 50 }, opacity: 1 },
    groups: [
      ['Shape', [choice('shape', 'Shape', [['rectangle', 'Rectangle'], ['ellipse', 'Ellipse'], ['line', 'Line'], ['arrow', 'Arrow']], 'rectangle'), ...when(({ shape }) => !['line', 'arrow'].includes(shape), colour('fill', 'Fill', '#FFFFFF', 'none')), colour('stroke', 'Stroke', '#FFFFFF', true), range('stroke_width', 'Stroke width', 0, 60, 1, 2, 'px'), ...when(({ shape }) => (shape ?? 'rectangle') === 'rectangle', range('radius', 'Corner radius', 0, 300, 1, 0, 'px'))]],
      ['Layout', [place, range('width', 'Width', 0, 100, 0.5, 30, '%'), range('height', 'Height', 0, 100, 0.5, 30, '%'), range('rotation', 'Rotation', -180, 180, 1, 0, '°'), percent('opacity', 'Opacity')]],
    ],
  },
  avatar: {
    label: 'Avatar',
    icon: 'avatar',
    library: 'avatars',
    fresh: { position: { x: 50, y: 60 }, scale: 0.8, animation: 'talking' },
    groups: [
      ['Layout', [place, range('scale', 'Scale', 0.1, 3, 0.01, 1, '×'), percent('opacity', 'Opacity')]],
      ['Animation', [choice('animation', 'Animation', [['none', 'Still'], ['talking', 'Talking'], ...ENTRANCES.slice(1)], 'none')]],
    ],
  },
  audio: {
    label: 'Audio',
    icon: 'audio',
    library: 'audio',
    fresh: { volume: 0.5, fade_in: 0.5, fade_out: 0.5 },
    groups: [['Sound', [percent('volume', 'Volume'), range('fade_in', 'Fade in', 0, 10, 0.1, 0, 's'), range('fade_out', 'Fade out', 0, 10, 0.1, 0, 's'), range('trim_start', 'Starts at', 0, 120, 0.1, 0, 's'), toggle('loop', 'Repeat', true), toggle('ducking', 'Quieter under speech', true)]]],
  },
  voiceover: {
    label: 'Voiceover',
    choice: 'voice',
    icon: 'voiceover',
    library: 'voices',
    fresh: { text: '', speed: 1, pitch: 1, volume: 1 },
    groups: [
      ['Words', [{ kind: 'text', key: 'text', label: 'Text (empty: the scene’s narration)' }]],
      ['Voice', [range('speed', 'Speed', 0.5, 2, 0.05, 1, '×'), range('pitch', 'Pitch', 0.5, 2, 0.05, 1, '×'), percent('volume', 'Volume')]],
    ],
  },
  effect: {
    label: 'Effect',
    icon: 'effect',
    fresh: { effect: 'fade', intensity: 1 },
    groups: [
      ['Effect', [choice('effect', 'Effect', [['fade', 'Fade'], ['crossfade', 'Crossfade to neighbour'], ['wipe', 'Wipe to neighbour'], ['slide', 'Slide to neighbour'], ['blur', 'Blur'], ['vignette', 'Vignette'], ['color', 'Colour'], ['grayscale', 'Black and white'], ['sepia', 'Sepia']], 'fade'), ...when(effects('blur', 'vignette', 'grayscale', 'sepia'), percent('intensity', 'Intensity')), ...when(effects('fade', 'vignette'), colour('color', 'Colour', '#000000')), ...when(effects('fade'), choice('direction', 'Direction', [['', 'By itself'], ['in', 'In'], ['out', 'Out']], '')), ...when(effects('wipe', 'slide'), choice('direction', 'Towards', [['', 'Left, as usual'], ['left', 'Left'], ['right', 'Right'], ['up', 'Up'], ['down', 'Down']], ''))]],
      ['Adjust', when(effects('color', 'grayscale', 'sepia'), range('brightness', 'Brightness', 0, 2, 0.01, 1), range('contrast', 'Contrast', 0, 2, 0.01, 1), range('saturation', 'Saturation', 0, 2, 0.01, 1), range('hue', 'Hue', -180, 180, 1, 0, '°'))],
    ],
  },
}
