// Whether what was done is saved, and what stands in its way.

import { h, setText } from './dom.js'
import { icon } from './icons.js'
import { button } from './widgets.js'

/** The mark in the header and the notice below it. */
export class Status {
  #shown = ''

  constructor(editor) {
    this.editor = editor
    this.text = h('span', {})
    this.mark = h('span', { class: 'saved', role: 'status' }, icon('cloud', 14), this.text)
    this.notice = h('div', { class: 'editor-notice', role: 'alert', hidden: true })
  }

  update() {
    const { app, connection, project } = this.editor
    const state = this.#state(connection, project)
    if (this.mark.dataset.state !== state) {
      this.mark.dataset.state = state
      this.mark.firstChild.replaceWith(icon(state === 'saved' ? 'check' : state === 'offline' ? 'warning' : 'cloud', 14))
    }
    setText(this.text, { saved: 'Saved', saving: 'Saving…', connecting: 'Connecting…', offline: offlineText(connection), viewing: 'Watching', stopped: 'Not saved' }[state])
    this.mark.title = app.offline.kept ? 'This page opens without a connection, too.' : ''
    this.#explain(connection)
  }

  #state({ phase, isSaved }, { readOnly }) {
    if (phase === 'offline') return 'offline'
    if (phase === 'connecting') return 'connecting'
    if (phase !== 'live') return 'stopped'
    if (!this.editor.role) return 'connecting' // nobody knows yet whether this is more than watching
    if (readOnly) return 'viewing'
    return isSaved ? 'saved' : 'saving'
  }

  #explain(connection) {
    const { editor } = this
    const { phase, reason, denied } = connection
    const { kept } = editor.app.offline
    const { broken } = connection.local
    const lost = navigator.onLine ? 'The server cannot be reached.' : 'You are offline.'
    const shown = `${phase} ${reason} ${denied} ${editor.role} ${kept} ${broken} ${lost}`
    if (shown === this.#shown) return
    this.#shown = shown
    const says = {
      offline: [offlineNotice(lost, broken, kept), null],
      expired: [`Your session has ended. ${broken ? 'Your changes are in this page only: leave it open.' : 'Your changes are kept in this browser.'}`, null],
      refused: [reason, button('Undo it and reconnect', () => editor.undoRefused())],
      lost: [reason, button('Back to the videos', () => editor.leaveForGood())],
    }[phase]
    const [text, action] = says ?? (denied ? ['You may watch this video, but not change it. What you changed here was not taken.', button('Show what is stored', () => editor.dropLocal())] : [null, null])
    this.notice.hidden = !text
    this.notice.dataset.phase = phase
    this.notice.replaceChildren(...(text ? [icon('warning'), h('span', { class: 'grow' }, text), ...(action ? [action] : [])] : []))
  }
}

function offlineText({ hasUnsaved, isKept }) {
  if (!hasUnsaved) return 'Offline'
  return isKept ? 'Offline, kept here' : 'Offline, not kept'
}

function offlineNotice(lost, broken, pageKept) {
  if (broken) return `${lost} This browser keeps nothing: go on working, but leave this page open. Your changes are merged when the connection is back.`
  const merged = `${lost} Go on working: your changes are kept in this browser and merged when the connection is back.`
  return pageKept ? merged : `${merged} Leave this page open: it does not open again before that.`
}
