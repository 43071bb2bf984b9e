// The list of videos.

import { accountButton } from './account.js'
import { Covers } from './covers.js'
import { afterPause, h } from './dom.js'
import { ago, clock, plural } from './format.js'
import { icon } from './icons.js'
import { share } from './share.js'
import { ask, button, complain, confirm, iconButton, onSubmit, openDialog, openMenu, showPager } from './widgets.js'

export const RATIOS = [['16:9', 'Wide'], ['9:16', 'Tall'], ['1:1', 'Square'], ['4:5', 'Portrait']]

export class VideoList {
  #page = 1
  #search = ''
  #asked = 0
  #closed = false

  constructor(app) {
    this.app = app
    this.covers = new Covers(app.rest)
    this.list = h('ul', { class: 'video-list', 'aria-label': 'Videos', 'aria-busy': 'true' })
    this.pager = h('nav', { class: 'pager', 'aria-label': 'Pages' })
    const search = afterPause((text) => {
      this.#search = text
      this.#page = 1
      this.load()
    }, 200)
    this.elements = [
      h(
        'header',
        { class: 'bar' },
        h('span', { class: 'brand' }, h('img', { src: '/editor/icon.svg', width: 22, height: 22, alt: '' }), 'Cocut'),
        h('span', { class: 'grow' }),
        accountButton(app),
      ),
      h(
        'main',
        { class: 'page' },
        h(
          'div',
          { class: 'page-head' },
          h('h1', {}, 'Videos'),
          h(
            'label',
            { class: 'search' },
            icon('search'),
            h('input', { type: 'search', placeholder: 'Search', 'aria-label': 'Search videos', on: { input: (event) => search(event.target.value) } }),
          ),
          button('New video', () => this.create(), { primary: true, iconName: 'add' }),
        ),
        this.list,
        this.pager,
      ),
    ]
    this.load()
  }

  close() {
    this.#closed = true
    this.covers.close()
  }

  async load() {
    const asked = ++this.#asked
    try {
      const found = await this.app.rest.get('/videos', { page: this.#page, limit: 24, search: this.#search })
      if (asked === this.#asked && !this.#closed) this.#show(found.videos, found.pagination)
    } catch (error) {
      if (asked !== this.#asked || this.#closed) return
      this.list.removeAttribute('aria-busy')
      this.list.replaceChildren(h('li', { class: 'empty' }, h('p', {}, error.message), button('Try again', () => this.load())))
    }
  }

  async create() {
    const ratio = h('div', { class: 'choices', role: 'radiogroup', 'aria-label': 'Shape' }, ...RATIOS.map(([value, label], index) => ratioChoice(value, label, index === 0)))
    const title = h('input', { class: 'input', name: 'title', value: 'Untitled video', maxlength: 255, required: true, autofocus: true })
    const make = onSubmit(async () => {
      const { video } = await this.app.rest.post('/videos', { title: title.value.trim() || 'Untitled video', aspect_ratio: ratio.querySelector(':checked').value })
      dialog.close()
      this.app.open(video.id)
    })
    const dialog = openDialog('New video', [
      h(
        'form',
        { on: { submit: make } },
        h('label', { class: 'field' }, h('span', {}, 'Title'), title),
        ratio,
        h('div', { class: 'dialog-actions' }, button('Cancel', () => dialog.close()), button('Create', null, { primary: true, type: 'submit' })),
      ),
    ])
    title.select()
  }

  #show(videos, pagination) {
    const { total_pages: pages } = pagination
    if (!videos.length && pages > 0) {
      this.#go(pages) // what was on this page is gone
      return
    }
    this.list.removeAttribute('aria-busy')
    const cards = videos.map((video) => this.#card(video))
    this.list.replaceChildren(...cards)
    this.covers.draw(videos.map((video, index) => ({ video, place: cards[index].querySelector('.video-shape') })))
    if (!videos.length) {
      this.list.append(
        h(
          'li',
          { class: 'empty' },
          icon('film', 40),
          h('p', {}, this.#search ? 'No video has these words.' : 'There are no videos yet.'),
          this.#search ? null : button('Create the first one', () => this.create(), { primary: true, iconName: 'add' }),
        ),
      )
    }
    showPager(this.pager, pagination, (page) => this.#go(page))
  }

  #go(page) {
    this.#page = page
    this.load()
  }

  #card(video) {
    const [wide, high] = video.aspect_ratio.split(':').map(Number)
    const owned = video.role === 'owner'
    const menu = iconButton('menu', `More for ${video.title}`, () =>
      openMenu(menu, [
        { label: 'Open', iconName: 'play', action: () => this.app.open(video.id) },
        { label: 'Rename', iconName: 'text', disabled: !owned, action: () => this.#rename(video) },
        { label: 'Share', iconName: 'share', disabled: !owned, action: () => share(this.app, video) },
        null,
        { label: 'Delete', iconName: 'trash', danger: true, disabled: !owned, action: () => this.#delete(video) },
      ]),
    )
    return h(
      'li',
      { class: 'video-card' },
      h(
        'a',
        { class: 'video-open', href: `#/videos/${video.id}` },
        h('span', { class: 'video-cover', 'aria-hidden': 'true' }, h('span', { class: 'video-shape', style: { '--ratio': `${wide} / ${high}` } }, icon('play', 20)), h('span', { class: 'video-length' }, clock(video.duration, false))),
        h('span', { class: 'video-title' }, video.title),
        h('span', { class: 'quiet small' }, `${plural(video.scene_count, 'scene')} · ${ago(video.updated_at)}${owned ? '' : ` · ${video.role}`}`),
      ),
      menu,
    )
  }

  async #rename(video) {
    const title = await ask('Rename video', 'Title', video.title, 'Rename')
    if (title) await this.#change(() => this.app.rest.put(`/videos/${video.id}`, { title }))
  }

  async #delete(video) {
    const text = `“${video.title}” and everything in it will be gone for all who have it.`
    if (await confirm('Delete this video?', text, 'Delete')) await this.#change(() => this.app.rest.delete(`/videos/${video.id}`))
  }

  async #change(change) {
    try {
      await change()
    } catch (error) {
      complain(error)
    }
    await this.load()
  }
}

function ratioChoice(value, label, checked) {
  const [wide, high] = value.split(':')
  return h(
    'label',
    { class: 'shape-choice' },
    h('input', { type: 'radio', name: 'ratio', value, checked }),
    h('span', { class: 'shape-outline', style: { '--ratio': `${wide} / ${high}` }, 'aria-hidden': 'true' }),
    h('span', {}, label, h('span', { class: 'quiet small' }, ` ${value}`)),
  )
}
