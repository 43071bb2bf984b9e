// Versions of the video: kept by name or by themselves, compared, and restored.

import { h, reconcile, setText } from './dom.js'
import { ago, capital } from './format.js'
import { showVersion } from './version.js'
import { button, confirm, once, onSubmit, openDialog, showPager, toast } from './widgets.js'

const PAGE = 20
const KINDS = { manual: 'Kept by hand', automatic: 'Kept by itself', before_restore: 'Before a restore' }

/** Open the dialog of versions. */
export function openHistory(editor) {
  const { rest } = editor.app
  const { readOnly } = editor.project
  const path = `/videos/${editor.video.id}/versions`
  const list = h('ul', { class: 'renders', 'aria-label': 'Versions' })
  const pager = h('div', { class: 'pager' })
  const none = h('p', { class: 'quiet', hidden: true }, 'There are no versions yet.')
  const complaint = h('p', { class: 'complaint', role: 'alert' })
  const name = h('input', { class: 'input grow', maxlength: 255, required: true, placeholder: 'Name of this version', 'aria-label': 'Name of this version', autofocus: true })
  let page = 1
  let asked = 0
  const attempt = async (action) => {
    setText(complaint, '')
    try {
      await action()
    } catch (error) {
      setText(complaint, error.message)
    }
  }
  /** As `attempt`, when the server has what was done here until now. */
  const attemptSettled = (action) =>
    attempt(async () => {
      await editor.connection.settled()
      await action()
    })
  const load = (to = page) =>
    attempt(async () => {
      const mine = ++asked
      const { versions, pagination } = await rest.get(path, { page: to, limit: PAGE })
      if (mine !== asked) return
      page = to
      reconcile(list, versions, (one) => String(one.number), version, (row, one) => setText(row.querySelector('.version-when'), when(one)))
      none.hidden = versions.length > 0
      showPager(pager, pagination, load)
    })
  const look = ({ number }, title) =>
    attempt(async () => {
      const found = await rest.get(`${path}/${number}`)
      if (list.isConnected) showVersion(rest, title, found)
    })
  const compare = ({ number }, line) => attemptSettled(async () => setText(line, summary(await rest.get(`${path}/${number}/diff`))))
  const restore = async ({ number }, title) => {
    if (!(await confirm(`Restore ${title}?`, 'Everybody sees it at once. What is there now stays in the history.', 'Restore', { danger: false }))) return
    await attemptSettled(async () => {
      await rest.post(`${path}/${number}/restore`)
      toast(`${capital(title)} is restored. What was there before is in the history.`)
      await load(1)
    })
  }
  const version = (one) => {
    const title = one.name ? `“${one.name}”` : `version ${one.number}`
    const line = h('span', { class: 'quiet small', role: 'status' })
    const does = (action, ...rest) => once(() => action(one, ...rest))
    return h(
      'li',
      { class: 'render' },
      h('span', { class: 'grow' },
        h('span', { class: 'block version-name' }, one.name ?? `${KINDS[one.kind]} · version ${one.number}`),
        h('span', { class: 'quiet small block version-when' }),
        line),
      button('Look', does(look, capital(title)), { 'aria-label': `Look at ${title}` }),
      button('Compare', does(compare, line), { 'aria-label': `Compare ${title} with now` }),
      readOnly ? null : button('Restore', does(restore, title), { iconName: 'history', 'aria-label': `Restore ${title}` }),
    )
  }
  const keep = onSubmit(() =>
    attemptSettled(async () => {
      await rest.post(path, { name: name.value.trim() || null })
      name.value = ''
      await load(1)
    }),
  )
  openDialog('History', [...(readOnly ? [] : [h('form', { class: 'row', on: { submit: keep } }, name, button('Keep this version', null, { primary: true, type: 'submit' }))]), complaint, list, none, pager], { wide: true })
  load()
}

/** When a version was made, by whom, and who had edited. */
function when({ created_at: made, created_by: maker, editors }) {
  const names = editors.map(called)
  return [ago(made), maker && `by ${called(maker)}`, names.length && `edited by ${names.join(', ')}`].filter(Boolean).join(' · ')
}

function called({ name, user_id: id }) {
  return name ?? id
}

/** What has changed since a version, in a line. */
function summary({ video, scenes, layers }) {
  const parts = []
  for (const [what, found] of [['scene', scenes], ['layer', layers]]) {
    for (const how of ['added', 'removed', 'moved', 'changed']) {
      const count = found[how].length
      if (count) parts.push(`${count} ${what}${count > 1 ? 's' : ''} ${how}`)
    }
  }
  if (video.length) parts.push('settings of the video changed')
  return parts.length ? `Since then: ${parts.join(', ')}.` : 'Nothing has changed since.'
}
