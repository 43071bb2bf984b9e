// The editor of one video: what it is made of, and how its parts hear of each other.

import { accountButton } from './account.js'
import { Assets } from './assets.js'
import { Connection } from './connection.js'
import { everyFrame, h, setText, Subscriptions } from './dom.js'
import { openHistory } from './history.js'
import { TYPES } from './layer-types.js'
import { Library } from './library.js'
import { People } from './people.js'
import { Player } from './player.js'
import { Presence } from './presence.js'
import { Project } from './project.js'
import { PropertiesPanel } from './properties.js'
import { openRenders } from './render.js'
import { ScenesPanel } from './scenes.js'
import { Selection } from './selection.js'
import { share } from './share.js'
import { press, showShortcuts } from './shortcuts.js'
import { Stage } from './stage.js'
import { Status } from './status.js'
import { Timeline } from './timeline.js'
import { ask, button, iconButton, toast } from './widgets.js'

export class Editor {
  #end = new Subscriptions()
  #closed = false
  #live = false
  #asking = null

  constructor(app, videoId) {
    this.app = app
    this.video = { id: videoId, role: null, ...kept(videoId) }
    this.project = new Project()
    this.connection = new Connection(app.session, this.project.doc, videoId)
    this.presence = new Presence(this.connection.awareness, app.session)
    this.selection = new Selection()
    this.assets = new Assets(app.rest, videoId)
    this.player = new Player(this.project, this.selection, this.assets)
    this.library = new Library(this)
    this.update = everyFrame(() => this.#update())
    this.#build()
    this.#listen()
    this.#start()
  }

  get role() {
    return this.video.role
  }

  get isOwner() {
    return this.role === 'owner'
  }

  close() {
    this.#closed = true
    this.update.cancel()
    this.#end.close()
    for (const part of [this.player, this.scenes, this.stage, this.timeline, this.properties, this.presence, this.connection, this.assets, this.project]) part.close()
  }

  undo() {
    if (!this.project.readOnly && !this.project.undo.undo()) toast('There is nothing of yours to undo.')
    return true
  }

  redo() {
    if (!this.project.readOnly) this.project.undo.redo()
    return true
  }

  duplicate() {
    const { project, selection } = this
    if (project.readOnly || !selection.scene) return true
    if (selection.layer) selection.select(selection.scene, project.duplicateLayer(selection.layer))
    else selection.select(project.duplicateScene(selection.scene))
    return true
  }

  addLayer(type, name = TYPES[type].label, properties = {}) {
    const { project, player, selection } = this
    const scene = project.scene(selection.scene)
    if (!scene || project.readOnly) return
    const timed = type === 'text' && player.time > 0.1 && player.time < scene.duration - 0.5
    const id = project.addLayer(scene.id, type, name, { ...TYPES[type].fresh, ...properties }, timed ? { start: player.time } : {})
    selection.select(scene.id, id)
    if (TYPES[type].library && Object.keys(properties).length === 0) this.library.open(TYPES[type].library, id)
  }

  deleteLayer(id) {
    const { project } = this
    const layer = project.layer(id)
    if (!layer || project.readOnly) return
    project.deleteLayer(id)
    this.offerUndo(`“${layer.name}” is deleted.`)
  }

  /** Say what was done, with a way back, for as long as it is the last that was done here. */
  offerUndo(text) {
    const { undo } = this.project
    const end = toast(text, { action: () => undo.undo(), label: 'Undo' })
    for (const type of ['stack-item-added', 'stack-item-updated', 'stack-item-popped']) undo.once(type, end)
  }

  /** Undo what the server did not take, and connect again. */
  undoRefused() {
    this.project.undo.undo()
    this.connection.retry()
  }

  /** Show what is stored instead of what was changed here without being allowed to. */
  async dropLocal() {
    await this.connection.forget()
    this.app.show()
  }

  async leaveForGood() {
    await this.connection.forget()
    localStorage.removeItem(key(this.video.id))
    this.app.open()
  }

  /** Say something to those who cannot see it. */
  announce(text) {
    setText(this.said, text)
  }

  #build() {
    this.status = new Status(this)
    this.people = new People(this)
    this.scenes = new ScenesPanel(this)
    this.stage = new Stage(this)
    this.timeline = new Timeline(this)
    this.properties = new PropertiesPanel(this)
    this.title = h('button', { type: 'button', class: 'title', on: { click: () => this.#rename() } })
    this.undoButton = iconButton('undo', 'Undo', () => this.undo())
    this.redoButton = iconButton('redo', 'Redo', () => this.redo())
    this.shareButton = button('Share', () => share(this.app, { id: this.video.id, title: this.project.video.title || this.video.title }), { iconName: 'share' })
    this.renderButton = button('Render', () => openRenders(this), { primary: true, iconName: 'film' })
    this.said = h('div', { class: 'visually-hidden', role: 'status' })
    this.header = h(
      'header',
      { class: 'bar editor-bar' },
      iconButton('back', 'All videos', () => this.app.open()),
      this.title,
      this.status.mark,
      h('span', { class: 'grow' }),
      this.people.element,
      h('span', { class: 'bar-tools' }, this.undoButton, this.redoButton, iconButton('library', 'Library', () => this.library.open()), iconButton('history', 'History', () => openHistory(this)), iconButton('keyboard', 'Keyboard', showShortcuts)),
      this.shareButton,
      this.renderButton,
      accountButton(this.app),
    )
    this.body = h('main', { class: 'editor', 'aria-label': 'Editor' }, this.scenes.element, this.stage.element, this.properties.element, this.timeline.element)
    this.elements = [this.header, this.status.notice, this.body, this.said]
  }

  #listen() {
    const { selection, project, connection, presence } = this
    this.#end.on(project, 'change', this.update)
    this.#end.on(connection, 'change', () => {
      const back = connection.phase === 'live' && !this.#live
      this.#live = connection.phase === 'live'
      if (back || (connection.denied && !project.readOnly)) this.#learnRole()
      this.status.update() // at once: no frame passes in which an edit is called saved
      this.update()
    })
    this.#end.on(this.app.offline, 'change', this.update)
    this.#end.on(presence, 'change', everyFrame(() => this.#updatePresence()))
    this.#end.on(selection, 'change', () => {
      if (selection.scene !== this.shownScene && !this.player.playing) this.player.time = 0
      this.shownScene = selection.scene
      presence.standAt(selection.scene, selection.layer)
      this.update()
    })
    this.#end.on(this.body, 'pointerdown', () => this.people.stop())
    this.#end.on(document, 'keydown', ({ key }) => key !== 'Tab' && this.body.contains(document.activeElement) && this.people.stop())
    this.#end.on(this.app.session, 'change', () => this.app.session.token && connection.retry())
    this.#end.on(document, 'keydown', (event) => {
      if (!event.defaultPrevented && press(event, this)) event.preventDefault()
    })
    this.#end.on(window, 'focus', () => this.#learnRole())
    this.#end.on(window, 'resize', this.update)
    this.#end.on(window, 'beforeunload', (event) => {
      if (connection.hasUnsaved && !connection.isKept) event.preventDefault()
    })
    for (const type of ['stack-item-added', 'stack-item-popped', 'stack-cleared']) project.undo.on(type, this.update)
  }

  async #start() {
    this.#setRole(this.video.role)
    this.update()
    await Promise.all([this.connection.open(), this.#learnRole()])
    if (!this.#closed) this.update()
  }

  #learnRole() {
    this.#asking ??= this.#askRole().finally(() => (this.#asking = null))
    return this.#asking
  }

  async #askRole() {
    try {
      const { video } = await this.app.rest.get(`/videos/${this.video.id}`)
      if (this.#closed) return
      this.video = video
      localStorage.setItem(key(video.id), JSON.stringify({ title: video.title, role: video.role }))
      this.#setRole(video.role)
      this.update()
    } catch (error) {
      if (error.code !== 'offline' && error.status !== 404) toast(error.message, { kind: 'error' })
    }
  }

  #setRole(role) {
    this.project.readOnly = role !== 'owner' && role !== 'editor'
    this.video.role = role
    document.body.classList.toggle('watching', this.project.readOnly)
  }

  #update() {
    if (this.#closed) return
    const { project } = this
    const title = project.video.title || this.video.title || 'Video'
    this.selection.settle(project)
    this.body.classList.toggle('has-layer', this.selection.layer !== null)
    setText(this.title, title)
    this.title.disabled = !this.isOwner
    this.title.title = this.isOwner ? 'Rename' : ''
    document.title = `${title} · Cocut`
    this.undoButton.disabled = project.readOnly || project.undo.undoStack.length === 0
    this.redoButton.disabled = project.readOnly || project.undo.redoStack.length === 0
    this.shareButton.hidden = !this.isOwner
    for (const part of [this.status, this.people, this.scenes, this.stage, this.timeline, this.properties]) part.update()
  }

  #updatePresence() {
    if (this.#closed) return
    this.people.update()
    for (const part of [this.scenes, this.stage, this.timeline]) part.updatePresence()
  }

  async #rename() {
    const title = await ask('Rename video', 'Title', this.project.video.title || this.video.title || '', 'Rename')
    if (title) this.project.setVideo({ title })
  }
}

function key(videoId) {
  return `cocut:video:${videoId}`
}

function kept(videoId) {
  try {
    return JSON.parse(localStorage.getItem(key(videoId))) ?? {}
  } catch {
    return {}
  }
}
