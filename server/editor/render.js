// Rendering: the choices, the progress of a job, and the films that came out.

import { sameOrigin } from './assets.js'
import { h, reconcile, setText } from './dom.js'
import { ago, clock } from './format.js'
import { icon } from './icons.js'
import { button, complain, onSubmit, openDialog, progressBar, showPart } from './widgets.js'

const POLL_MS = 1000
const RETRY_MS = 3000
const LARGEST = { free: 720, pro: 1080, business: 2160 }
const QUALITIES = [360, 480, 720, 1080, 1440, 2160]
const FORMATS = [['mp4', 'MP4'], ['webm', 'WebM'], ['mov', 'MOV'], ['gif', 'GIF'], ['mp3', 'MP3 (sound only)']]
const RUNNING = ['queued', 'processing']

/** Open the dialog of renders. */
export function openRenders(editor) {
  const { rest, session } = editor.app
  const { id } = editor.video
  const { qualities, usual, alwaysMarked, marks } = choices(editor.isOwner ? session.tier : null)
  const quality = select('quality', qualities, usual)
  const format = select('format', FORMATS, 'mp4')
  const mark = h('input', { type: 'checkbox', checked: alwaysMarked, disabled: alwaysMarked })
  const list = h('ul', { class: 'renders', 'aria-label': 'Renders' })
  const empty = editor.project.scenes.length === 0
  const none = h('p', { class: 'quiet', hidden: true }, empty ? 'There is nothing to render yet: add a scene first.' : 'Nothing was rendered yet.')
  const complaint = h('p', { class: 'complaint', role: 'alert' })
  let timer = 0
  let lost = false

  const load = async () => {
    clearTimeout(timer)
    if (!dialog.element.isConnected) return
    try {
      const { renders = [] } = await rest.get(`/videos/${id}/renders`, { limit: 20 })
      // A row is made anew when its buttons change: what has the focus keeps it meanwhile.
      reconcile(list, renders, (render) => `${render.job_id} ${RUNNING.includes(render.status)}`, (render) => row(editor, render, load), showProgress)
      none.hidden = renders.length > 0
      if (lost) setText(complaint, '')
      lost = false
      if (renders.some((render) => RUNNING.includes(render.status))) timer = setTimeout(load, POLL_MS)
    } catch (error) {
      lost = error.status !== 404
      setText(complaint, lost ? error.message : 'This server does not render.')
      if (lost) timer = setTimeout(load, RETRY_MS)
    }
  }
  const start = onSubmit(async () => {
    setText(complaint, '')
    try {
      await editor.connection.settled()
      await rest.post(`/videos/${id}/render`, { quality: quality.value || null, aspect_ratio: editor.project.video.ratio, format: format.value, include_watermark: mark.checked || (editor.isOwner ? false : null) })
      await load()
    } catch (error) {
      setText(complaint, error.status === 404 ? 'This server does not render.' : error.message)
    }
  })
  const form = h(
    'form',
    { class: 'render-form', on: { submit: start } },
    h('label', { class: 'field' }, h('span', {}, 'Quality'), quality),
    h('label', { class: 'field' }, h('span', {}, 'Format'), format),
    h('label', { class: 'row' }, mark, marks),
    button('Render', null, { primary: true, type: 'submit', iconName: 'film', autofocus: true, disabled: editor.project.readOnly || empty }),
  )
  const dialog = openDialog('Render', [form, complaint, list, none], { wide: true, onClose: () => clearTimeout(timer) })
  load()
}

/** What can be chosen. The tier of the video's owner decides; null where it is somebody else's, which is not known. */
function choices(tier) {
  const named = (quality, note = '') => [`${quality}p`, `${quality}p${note}`]
  if (tier === null) {
    const qualities = QUALITIES.map((one) => named(one, one > LARGEST.free ? ' (if the owner’s tier has it)' : ''))
    return { qualities: [['', 'The best of the owner’s tier'], ...qualities], usual: '', alwaysMarked: false, marks: 'Watermark (always, if the owner is on the free tier)' }
  }
  const most = LARGEST[tier] ?? LARGEST.free
  const alwaysMarked = most === LARGEST.free
  return { qualities: QUALITIES.filter((one) => one <= most).map((one) => named(one)), usual: `${Math.min(1080, most)}p`, alwaysMarked, marks: alwaysMarked ? 'Watermark (always, on the free tier)' : 'Watermark' }
}

/** The language of what is spoken, if all voices that say theirs have the same: its code, or null. */
function spokenLanguage(project) {
  const voices = project.scenes.flatMap((scene) => scene.layers).filter((layer) => layer.enabled && layer.type === 'voiceover')
  const codes = new Set(voices.map(({ properties }) => properties.language).filter((code) => typeof code === 'string'))
  if (codes.size !== 1) return null
  try {
    return Intl.getCanonicalLocales([...codes][0])[0] ?? null
  } catch {
    return null // another client's idea of a language
  }
}

function captionsTrack(project, render) {
  const language = spokenLanguage(project)
  const label = language ? new Intl.DisplayNames(['en'], { type: 'language' }).of(language) : 'Captions'
  return h('track', { kind: 'captions', label, srclang: language, src: sameOrigin(render.captions_url), default: true })
}

function row(editor, render, load) {
  const { rest } = editor.app
  const cancel = async () => {
    try {
      await rest.delete(`/renders/${render.job_id}`)
    } catch (error) {
      complain(error)
    }
    load()
  }
  const running = RUNNING.includes(render.status)
  const { output_url: film } = render
  return h(
    'li',
    { class: 'render', data: { status: render.status } },
    h('span', { class: 'grow' }, h('span', { class: 'block render-says' }), h('span', { class: 'quiet small' }, ago(render.created_at))),
    running ? progressBar('Progress') : null,
    running && !editor.project.readOnly ? button('Cancel', cancel) : null,
    film ? button('Watch', () => watch(editor.project, render), { iconName: 'play' }) : null,
    film ? h('a', { class: 'button', href: sameOrigin(film), download: '' }, icon('download'), 'Download') : null,
  )
}

function showProgress(element, render) {
  const part = render.progress ?? 0
  const left = render.estimated_time_remaining
  const says = {
    queued: render.queue_position ? `Number ${render.queue_position} in the queue` : 'Waiting',
    processing: `${Math.round(part)} %${render.current_scene ? `, scene ${render.current_scene} of ${render.total_scenes}` : ''}${left ? `, ${clock(left, false)} left` : ''}`,
    completed: 'Ready',
    failed: typeof render.error === 'string' ? render.error : (render.error?.message ?? 'It failed'),
    cancelled: 'Cancelled',
  }[render.status]
  setText(element.querySelector('.render-says'), says)
  const bar = element.querySelector('.progress')
  if (bar) showPart(bar, part / 100)
}

function watch(project, render) {
  const tag = /\.mp3(\?|$)/.test(render.output_url) ? 'audio' : /\.gif(\?|$)/.test(render.output_url) ? 'img' : 'video'
  const film = h(tag, { class: 'film', controls: true, src: sameOrigin(render.output_url), poster: render.poster_url ? sameOrigin(render.poster_url) : null, alt: 'The rendered video' })
  if (render.captions_url && tag === 'video') film.append(captionsTrack(project, render))
  openDialog('Film', [film, ...(render.warnings ?? []).map((warning) => h('p', { class: 'quiet small' }, warning))], { wide: true, onClose: () => film.pause?.() })
}

function select(name, options, value) {
  const made = h('select', { class: 'input', name }, ...options.map(([one, label]) => h('option', { value: one }, label)))
  made.value = value
  return made
}
