// Versions of the video: kept by name or by themselves, and restored.

import { h, setText } from './dom.js'
import { ago } from './format.js'
import { button, confirm, openDialog } from './widgets.js'

/** Open the dialog of versions. */
export function openHistory(editor) {
  const { rest } = editor.app
  const path = `/videos/${editor.video.id}/versions`
  const list = h('ul', { class: 'renders', 'aria-label': 'Versions' })
  const complaint = h('p', { class: 'complaint', role: 'alert' })
  const name = h('input', { class: 'input grow', maxlength: 255, required: true, placeholder: 'Name of this version', 'aria-label': 'Name of this version' })
  const attempt = async (action) => {
    setText(complaint, '')
    try {
      await action()
    } catch (error) {
      setText(complaint, error.status === 404 ? 'This server keeps no versions.' : error.message)
    }
  }
  const load = () =>
    attempt(async () => {
      const { versions = [] } = await rest.get(path, { limit: 50 })
      list.replaceChildren(...versions.map(version))
      if (!versions.length) list.append(h('li', { class: 'quiet' }, 'There are no versions yet.'))
    })
  const restore = async (number, label) => {
    if (!(await confirm(`Restore ${label}?`, 'Everybody sees it at once. What is there now stays in the history.', 'Restore', { danger: false }))) return
    await attempt(() => rest.post(`${path}/${number}/restore`))
    await load()
  }
  const version = (one) => {
    const number = one.number ?? one.n ?? one.version
    const label = one.name || `version ${number}`
    const people = (one.editors ?? one.users ?? []).map((user) => user.name ?? user.user_id ?? user).join(', ')
    return h('li', { class: 'render' }, h('span', { class: 'grow' }, h('span', { class: 'block' }, one.name || `Version ${number}`), h('span', { class: 'quiet small' }, [ago(one.created_at), people].filter(Boolean).join(' · '))), editor.project.readOnly ? null : button('Restore', () => restore(number, label), { iconName: 'history' }))
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
