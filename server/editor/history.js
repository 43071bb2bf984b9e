// Versions of the video: kept by name or by themselves, compared, and restored.

import { h, setText } from './dom.js'
import { ago } from './format.js'
import { button, confirm, openDialog } from './widgets.js'

const KINDS = { manual: 'Kept by hand', automatic: 'Kept by itself', before_restore: 'Before a restore' }

/** Open the dialog of versions. */
export function openHistory(editor) {
  const { rest } = editor.app
  const path = `/videos/${editor.video.id}/versions`
  const list = h('ul', { class: 'renders', 'aria-label': 'Versions' })
  const complaint = h('p', { class: 'complaint', role: 'alert' })
  const name = h('input', { class: 'input grow', maxlength: 255, required: true, placeholder: 'Name of this version', 'aria-label': 'Name of this version', autofocus: true })
  const attempt = async (action) => {
    setText(complaint, '')
    try {
      await action()
    } catch (error) {
      setText(complaint, error.message)
    }
  }
  const load = () =>
    attempt(async () => {
      const { versions } = await rest.get(path, { limit: 50 })
      list.replaceChildren(...versions.map(version))
      if (!versions.length) list.append(h('li', { class: 'quiet' }, 'There are no versions yet.'))
    })
  const restore = async (number, label) => {
    if (!(await confirm(`Restore ${label}?`, 'Everybody sees it at once. What is there now stays in the history.', 'Restore', { danger: false }))) return
    await attempt(() => rest.post(`${path}/${number}/restore`))
    await load()
  }
  const compare = (number, line) =>
    attempt(async () => setText(line, summary(await rest.get(`${path}/${number}/diff`))))
  const version = (one) => {
    const label = one.name ?? `version ${one.number}`
    const people = one.editors.map((user) => user.name ?? user.user_id).join(', ')
    const line = h('span', { class: 'quiet small', role: 'status' })
    return h(
      'li',
      { class: 'render' },
      h('span', { class: 'grow' },
        h('span', { class: 'block' }, one.name ?? `${KINDS[one.kind]} · version ${one.number}`),
        h('span', { class: 'quiet small block' }, [ago(one.created_at), people].filter(Boolean).join(' · ')),
        line),
      button('Compare', () => compare(one.number, line)),
      editor.project.readOnly ? null : button('Restore', () => restore(one.number, label), { iconName: 'history' })
    )
  }
  const keep = (event) => {
    event.preventDefault()
    attempt(async () => {
      await rest.post(path, { name: name.value.trim() })
      name.value = ''
    }).then(load)
  }
  openDialog('History', [...(editor.project.readOnly ? [] : [h('form', { class: 'row', on: { submit: keep } }, name, button('Keep this version', null, { primary: true, type: 'submit' }))]), complaint, list], { wide: true })
  load()
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
