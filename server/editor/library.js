// The libraries: audio, voices, avatars and media, to choose from and to add to.

import { afterPause, h } from './dom.js'
import { clock } from './format.js'
import { icon } from './icons.js'
import { TABS } from './library-tabs.js'
import { sameOrigin } from './assets.js'
import { Uploads } from './uploads.js'
import { complain, iconButton, openDialog, relabel, showPager, toast } from './widgets.js'

export class Library {
  #tab = TABS[0]
  #page = 1
  #search = ''
  #filters = {}
  #asked = 0
  #layer = null
  #dialog = null
  #sounding = null

  constructor(editor) {
    this.editor = editor
  }

  /** Open a tab; what is chosen goes into `layer`, or becomes a new layer. */
  open(tab = 'media', layer = null) {
    this.#layer = layer
    this.tabs = h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Libraries' })
    this.filters = h('div', { class: 'row library-filters' })
    this.items = h('ul', { class: 'library-items' })
    this.pager = h('div', { class: 'pager' })
    this.uploads = new Uploads(this.editor.app.rest, () => this.#go(1), () => this.editor.project.video.ratio)
    const search = afterPause((text) => {
      this.#search = text
      this.#go(1)
    }, 250)
    const box = h('label', { class: 'search' }, icon('search'), h('input', { type: 'search', placeholder: 'Search', 'aria-label': 'Search the library', on: { input: (event) => search(event.target.value) } }))
    this.#search = ''
    this.panel = h('div', { class: 'library-panel', role: 'tabpanel' }, h('div', { class: 'row' }, box, this.filters), this.uploads.element, this.items, this.pager)
    this.#dialog = openDialog('Library', [this.tabs, this.panel], { wide: true, onClose: () => this.#silence() })
    this.uploads.takeDrops(this.panel)
    this.#choose(TABS.find((one) => one.id === tab) ?? TABS[0])
  }

  #choose(tab) {
    this.#tab = tab
    this.#page = 1
    this.#filters = { ...tab.query }
    this.tabs.replaceChildren(
      ...TABS.map((one) =>
        h('button', { type: 'button', role: 'tab', 'aria-selected': String(one === tab), tabindex: one === tab ? 0 : -1, on: { click: () => this.#choose(one), keydown: (event) => this.#tabKey(event) } }, icon(one.icon), one.label),
      ),
    )
    this.panel.setAttribute('aria-label', tab.label)
    this.filters.replaceChildren(
      ...tab.filters.map(({ key, label, options }) => {
        const select = h('select', { class: 'input', 'aria-label': label, on: { change: () => this.#filter(key, select.value) } }, ...options.map(([value, text]) => h('option', { value }, text)))
        select.value = this.#filters[key] ?? options[0][0]
        return select
      }),
    )
    this.uploads.show(tab.upload, this.editor.project.readOnly ? null : tab.generate)
    this.#load()
  }

  #tabKey(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (!step) return
    this.#choose(TABS[(TABS.indexOf(this.#tab) + step + TABS.length) % TABS.length])
    this.tabs.querySelector('[aria-selected="true"]').focus()
  }

  #filter(key, value) {
    this.#filters[key] = value
    this.#go(1)
  }

  async #load() {
    const asked = ++this.#asked
    const tab = this.#tab
    this.items.setAttribute('aria-busy', 'true')
    try {
      const found = await this.editor.app.rest.get(tab.path, { ...this.#filters, search: this.#search, page: this.#page, limit: 24 })
      if (asked !== this.#asked) return
      this.#show(tab, found[tab.list] ?? [], found.pagination)
    } catch (error) {
      if (asked !== this.#asked) return
      const text = error.status === 404 ? 'This server has no such library.' : error.message
      this.items.replaceChildren(h('li', { class: 'empty' }, text))
      this.pager.replaceChildren()
    }
    this.items.removeAttribute('aria-busy')
  }

  #show(tab, items, pagination) {
    this.#silence()
    this.items.dataset.look = tab.look
    this.items.replaceChildren(...items.map((item) => this.#item(tab, item)))
    if (!items.length) this.items.append(h('li', { class: 'empty' }, icon(tab.icon, 32), this.#search ? 'Nothing is found.' : 'Nothing is here yet.', this.#search || !tab.stocked ? null : h('span', { class: 'small' }, 'The command “cocut seed” makes a stock to begin with.')))
    showPager(this.pager, pagination, (page) => this.#go(page))
  }

  #go(page) {
    this.#page = page
    this.#load()
  }

  #item(tab, item) {
    const title = item.title ?? item.name
    const picture = item.thumbnail_url && h('img', { src: sameOrigin(item.thumbnail_url), alt: '', loading: 'lazy' })
    const sound = tab.sound?.(item)
    const listen = sound && iconButton('play', `Listen to ${title}`, () => this.#listen(sound, listen, title))
    const star = tab.favorites && iconButton('star', `Favorite: ${title}`, () => this.#favorite(item, star), { 'aria-pressed': String(Boolean(item.is_favorite)) })
    const use = h(
      'button',
      { type: 'button', class: 'library-use', disabled: this.editor.project.readOnly, on: { click: () => this.#use(tab, item) } },
      tab.look === 'pictures' ? h('span', { class: 'library-picture' }, picture ?? icon(tab.icon, 28)) : h('span', { class: 'library-mark' }, icon(tab.icon)),
      h('span', { class: 'library-words' }, h('span', { class: 'library-title' }, title), h('span', { class: 'quiet small' }, tab.says(item, clock))),
      item.is_premium ? h('span', { class: 'premium' }, 'Pro') : null,
    )
    const wave = tab.look === 'rows' && item.waveform_url ? this.#waveform(item.waveform_url) : null
    return h('li', { class: 'library-item' }, listen || null, use, wave, star || null)
  }

  #waveform(address) {
    const canvas = h('canvas', { class: 'waveform', width: 240, height: 48, 'aria-hidden': 'true' })
    fetch(sameOrigin(address))
      .then((response) => response.json())
      .then((found) => drawWaveform(canvas, Array.isArray(found) ? found : (found.peaks ?? found.data ?? [])))
      .catch(() => canvas.remove())
    return canvas
  }

  async #use(tab, item) {
    const { editor } = this
    if (item.is_premium && editor.isOwner && editor.app.session.tier === 'free') {
      toast('This is for the pro and business tiers: a video of the free tier cannot show it.', { kind: 'error' })
      return
    }
    const chosen = tab.properties(item)
    const name = (item.title ?? item.name ?? tab.label).slice(0, 255)
    const layer = editor.project.layer(this.#layer)
    if (layer && layer.type === tab.type) {
      editor.project.setProperties(layer.id, chosen, { apart: true })
      editor.project.setLayer(layer.id, { name })
    } else editor.addLayer(tab.type, name, Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== null)))
    this.#dialog.close()
  }

  async #favorite(item, star) {
    try {
      await this.editor.app.rest.post(`/audio/${item.id}/favorite`, { is_favorite: !item.is_favorite })
      item.is_favorite = !item.is_favorite
      star.setAttribute('aria-pressed', String(item.is_favorite))
    } catch (error) {
      complain(error)
    }
  }

  #listen(address, control, title) {
    const again = this.#sounding?.control === control
    this.#silence()
    if (again) return
    const audio = new Audio(sameOrigin(address))
    this.#sounding = { audio, control, title }
    relabel(control, 'pause', `Stop ${title}`)
    audio.addEventListener('ended', () => this.#silence())
    audio.play().catch((error) => {
      if (error.name === 'AbortError') return // stopped before it began
      this.#silence()
      toast('This sound cannot be played.', { kind: 'error' })
    })
  }

  #silence() {
    if (!this.#sounding) return
    const { audio, control, title } = this.#sounding
    this.#sounding = null
    audio.pause()
    relabel(control, 'play', `Listen to ${title}`)
  }
}

function drawWaveform(canvas, peaks) {
  const context = canvas.getContext('2d')
  const count = 80
  const most = Math.max(0.01, ...peaks.map(Math.abs))
  context.fillStyle = getComputedStyle(canvas).color
  for (let index = 0; index < count; index += 1) {
    const peak = Math.abs(peaks[Math.floor((index / count) * peaks.length)] ?? 0) / most
    const height = Math.max(2, peak * canvas.height)
    context.fillRect(index * 3, (canvas.height - height) / 2, 2, height)
  }
}
