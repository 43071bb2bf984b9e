// Adding to a library: files that are dropped or chosen, and pictures made from words.

import { h } from './dom.js'
import { capital } from './format.js'
import { icon } from './icons.js'
import { RATIOS } from './paint.js'
import { button, complain, iconButton, progressBar, showPart, toast } from './widgets.js'

const POLL_MS = 500
const STYLES = ['cinematic', 'photographic', 'realistic', 'illustration', 'digital_art', 'anime', 'comic', 'watercolor', 'sketch', 'minimal', 'abstract', 'fantasy', 'neon', 'vintage', 'pixel_art']

export class Uploads {
  #target = null

  /** `ratio` tells the shape that pictures are made in, unless another is chosen. */
  constructor(rest, added, ratio) {
    this.rest = rest
    this.added = added
    this.input = h('input', { type: 'file', multiple: true, class: 'visually-hidden', tabindex: -1, 'aria-label': 'Files to upload', on: { change: () => this.#take(this.input.files) } })
    this.prompt = h('input', { class: 'input grow', maxlength: 1000, required: true, placeholder: 'Describe a picture to make…', 'aria-label': 'Describe a picture' })
    this.style = h('select', { class: 'input', 'aria-label': 'Style of the picture' }, ...STYLES.map((style) => h('option', { value: style }, capital(style.replace('_', ' ')))))
    this.shape = h('select', { class: 'input', 'aria-label': 'Shape of the picture' }, ...Object.keys(RATIOS).map((shape) => h('option', {}, shape)))
    this.generate = h('form', { class: 'row grow generate', on: { submit: (event) => this.#make(event) } }, this.prompt, this.style, this.shape, button('Generate', null, { type: 'submit', iconName: 'effect' }))
    this.shape.value = ratio()
    this.pick = button('Upload', () => this.input.click(), { iconName: 'upload' })
    this.list = h('ul', { class: 'uploads' })
    this.element = h('div', { class: 'upload-area' }, h('div', { class: 'row' }, this.generate, this.pick, this.input), this.list)
  }

  /** Show what can be added: `target` of uploads or none, and whether pictures can be made. */
  show(target, generates) {
    this.#target = target ?? null
    this.pick.hidden = !target
    this.generate.hidden = !generates
    this.input.accept = target?.accept ?? ''
  }

  takeDrops(area) {
    const over = (on) => (event) => {
      if (!this.#target || !event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      area.classList.toggle('dropping', on)
    }
    area.addEventListener('dragover', over(true))
    area.addEventListener('dragleave', over(false))
    area.addEventListener('drop', (event) => {
      over(false)(event)
      if (event.dataTransfer?.files.length) this.#take(event.dataTransfer.files)
    })
  }

  #take(files) {
    for (const file of files) this.#upload(file, this.#target)
    this.input.value = ''
  }

  async #upload(file, target) {
    if (!target) return
    const stop = new AbortController()
    const bar = progressBar(`Uploading ${file.name}`)
    const row = h('li', {}, icon('upload', 14), h('span', { class: 'grow' }, file.name), bar, iconButton('close', `Cancel ${file.name}`, () => stop.abort(), { class: 'small' }))
    this.list.append(row)
    try {
      const fields = { ...target.fields, title: file.name.replace(/\.[^.]+$/, '') || file.name }
      await this.rest.upload(target.path, file, fields, (part) => showPart(bar, part < 1 ? part : null), stop.signal)
      toast(`${file.name} is in the library.`)
      this.added()
    } catch (error) {
      complain(error)
    }
    row.remove()
  }

  async #make(event) {
    event.preventDefault()
    const prompt = this.prompt.value.trim()
    if (!prompt) return
    const stop = new AbortController()
    const bar = progressBar(`Making ${prompt}`)
    showPart(bar, null)
    const row = h('li', {}, icon('effect', 14), h('span', { class: 'grow' }, `Making “${prompt}”…`), bar, iconButton('close', `Cancel ${prompt}`, () => stop.abort(), { class: 'small' }))
    this.list.append(row)
    try {
      const wanted = { prompt, style: this.style.value, aspect_ratio: this.shape.value, quality: 'high' }
      let job = await this.rest.post('/media/generate-ai', wanted)
      while (this.element.isConnected && job.status === 'processing' && !stop.signal.aborted) {
        await soon(stop.signal)
        job = await this.rest.get(`/media/ai-status/${job.job_id}`)
      }
      // One that was done just before it was cancelled stays.
      if (stop.signal.aborted) job = await this.rest.delete(`/media/ai-status/${job.job_id}`)
      if (job.status === 'failed') toast(job.error.message, { kind: 'error' })
      else if (job.status === 'completed') this.#made(prompt)
    } catch (error) {
      complain(error)
    }
    row.remove()
  }

  #made(prompt) {
    if (this.prompt.value.trim() === prompt) this.prompt.value = ''
    toast(`“${prompt}” is in the library.`)
    this.added()
  }
}

/** The time of a poll, or less when it is not waited for any more. */
function soon(signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, POLL_MS)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
