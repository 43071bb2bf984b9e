// The icons, as paths in a box of 24 by 24 that are stroked.

const PATHS = {
  add: 'M12 5v14M5 12h14',
  audio: 'M9 18V6l10-2v12M9 18a3 3 0 1 1-6 0 3 3 0 0 1 6 0zm10-2a3 3 0 1 1-6 0 3 3 0 0 1 6 0z',
  avatar: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21a8 8 0 0 1 16 0',
  back: 'M15 5l-7 7 7 7',
  check: 'M5 12.5l4.500 4.500L19 7.500',
  close: 'M6 6l12 12M18 6L6 18',
  cloud: 'M7 18a4.500 4.500 0 0 1-.6-8.960A6 6 0 0 1 18 9.500a4.200 4.200 0 0 1-.5 8.500z',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  download: 'M12 4v11m0 0l-4-4m4 4l4-4M5 20h14',
  drag: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
  effect: 'M12 3l1.800 5.200L19 10l-5.200 1.800L12 17l-1.800-5.200L5 10l5.200-1.800zM19 16l.8 2.200L22 19l-2.200.8L19 22l-.8-2.200L16 19l2.200-.8z',
  export: 'M12 15V4m0 0L8 8m4-4l4 4M5 14v6h14v-6',
  eye: 'M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
  hidden: 'M4 4l16 16M9.900 5.700A9 9 0 0 1 12 5.500c6 0 9.500 6.500 9.500 6.500a16 16 0 0 1-2.700 3.500M6.500 7A15 15 0 0 0 2.500 12S6 18.500 12 18.500a9 9 0 0 0 4-.9',
  film: 'M4 5h16v14H4zM8 5v14M16 5v14M4 12h16',
  history: 'M4 12a8 8 0 1 1 2.500 5.800M4 20v-4h4M12 8v4.500l3 2',
  keyboard: 'M3 7h18v10H3zM7 10h.01M11 10h.01M15 10h.01M7 14h10',
  library: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z',
  media: 'M4 5h16v14H4zM4 16l5-5 4 4 3-2.500 4 3.500M15 9.500h.01',
  menu: 'M12 6h.01M12 12h.01M12 18h.01',
  minus: 'M5 12h14',
  next: 'M6 5l9 7-9 7zM18 5v14',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 4.500v15l12-7.500z',
  previous: 'M18 5l-9 7 9 7zM6 5v14',
  redo: 'M15 5l4 4-4 4M19 9h-9a5 5 0 0 0 0 10h4',
  pointer: 'M5 3l14 8-6.500 1.500L9 19z',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4',
  settings: 'M5 7h14M5 12h14M5 17h14M9 5v4M15 10v4M8 15v4',
  shape: 'M4 12h9v8H4zM14.500 4a4.500 4.500 0 1 1 0 9',
  share: 'M16 19a5 5 0 0 0-10 0M11 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM18 8v6M15 11h6',
  star: 'M12 4l2.500 5.200 5.500.8-4 4 1 5.700-5-2.700-5 2.700 1-5.700-4-4 5.500-.8z',
  text: 'M5 7V5h14v2M12 5v14M9 19h6',
  theme: 'M20 14.500A8 8 0 0 1 9.500 4a8 8 0 1 0 10.500 10.500z',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  undo: 'M9 5L5 9l4 4M5 9h9a5 5 0 0 1 0 10h-4',
  upload: 'M12 16V5m0 0L8 9m4-4l4 4M5 19h14',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21a8 8 0 0 1 16 0',
  voiceover: 'M12 15a3 3 0 0 0 3-3V7a3 3 0 0 0-6 0v5a3 3 0 0 0 3 3zM6 12a6 6 0 0 0 12 0M12 18v3',
  'zoom-in': 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4M8 11h6M11 8v6',
  'zoom-out': 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4M8 11h6',
  warning: 'M12 4L2.500 20h19zM12 10v4.500M12 17.500h.01',
}

/** An icon that stands for nothing by itself: what it means is said by the label beside it. */
export function icon(name, size = 16) {
  const space = 'http://www.w3.org/2000/svg'
  const svg = document.createElementNS(space, 'svg')
  const path = document.createElementNS(space, 'path')
  const attributes = { viewBox: '0 0 24 24', width: size, height: size, 'aria-hidden': 'true', class: 'icon' }
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value)
  path.setAttribute('d', PATHS[name] ?? PATHS.menu)
  svg.append(path)
  return svg
}
