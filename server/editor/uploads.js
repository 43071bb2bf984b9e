// Adding to a library: files that are dropped or chosen, and pictures made from words.

import { h } from './dom.js'
import { icon } from './icons.js'
import { button, complain, iconButton, toast } from './widgets.js'

const POLL_MS = 500
const STYLES = ['cinematic', 'photographic', 'realistic', 'illustration', 'digital_art', 'anime', 'comic', 'watercolor', 'sketch', 'minimal', 'abstract', 'fantasy', 'neon', 'vintage', 'pixel_art']

export class Uploads {
  #target = null

  /** `ratio` tells the shape that pictures are made in. */
  constructor(rest, added, ratio) {
    this.rest = rest
    this.added = added
    this.ratio = ratio
    this.input = h('input', { type: 'file', multiple: true, class: 'visually-hidden', tabindex: -1, 'aria-label': 'Files to upload', on: { change: () => this.#take(this.input.files) } })
    this.prompt = h('input', { class: 'input grow', maxlength: 1000, required: true, placeholder: 'Describe a picture to make…', 'aria-label': 'Describe a picture' })
    this.style = h('select', { class: 'input', 'aria-label': 'Style of the picture' }, ...STYLES.map((style) => h('option', { value: style }, style.replace('_', ' '))))
    this.generate = h('form', { class: 'row grow', on: { submit: (event) => this.#make(event) } }, this.prompt, this.style, button('Generate', null, { type: 'submit', iconName: 'effect' }))
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
    const bar = h('span', {})
    const row = h('li', {}, icon('upload', 14), h('span', { class: 'grow' }, file.name), h('span', { class: 'progress', role: 'progressbar', 'aria-label': `Uploading ${file.name}` }, bar), iconButton('close', `Cancel ${file.name}`, () => stop.abort(), { class: 'small' }))
    this.list.append(row)
    try {
      const fields = { ...target.fields, title: file.name.replace(/\.[^.]+$/, '') || file.name }
      await this.rest.upload(target.path, file, fields, (part) => bar.style.setProperty('--part', part), stop.signal)
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
    const row = h('li', {}, icon('effect', 14), h('span', { class: 'grow' }, `Making “${prompt}”…`))
    this.list.append(row)
    try {
      const wanted = { prompt, style: this.style.value, aspect_ratio: this.ratio(), quality: 'high' }
      let job = await this.rest.post('/media/generate-ai', wanted)
      while (this.element.isConnected && !['completed', 'failed', 'cancelled'].includes(job.status)) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
        job = await this.rest.get(`/media/ai-status/${job.job_id}`)
      }
      if (job.status === 'failed') toast(job.error.message, { kind: 'error' })
      if (job.status === 'completed') {
        this.prompt.value = ''
        this.added()
      }
    } catch (error) {
      complain(error)
    }
    row.remove()
  }
}
