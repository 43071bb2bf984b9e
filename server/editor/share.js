// Sharing a video: its members and their roles.

import { h, reconcile } from './dom.js'
import { button, complain, face, iconButton, onSubmit, openDialog, showPager, toast } from './widgets.js'

const ROLES = [['editor', 'Can edit'], ['viewer', 'Can watch']]

/** Open the dialog; `video` needs `id` and `title`. */
export function share(app, video) {
  const list = h('ul', { class: 'members', 'aria-label': 'Members' })
  const path = `/videos/${video.id}/members`
  const link = `${location.origin}/#/videos/${video.id}`
  const user = h('input', { class: 'input grow', required: true, maxlength: 255, placeholder: 'User id', 'aria-label': 'User id', autofocus: true })
  const role = roleSelect('editor', 'Role of the new member')
  const change = async (action) => {
    try {
      await action()
    } catch (error) {
      complain(error)
    }
    await load()
  }
  const pager = h('div', { class: 'pager' })
  let page = 1
  const load = async () => {
    list.setAttribute('aria-busy', 'true')
    try {
      const { members, pagination } = await app.rest.get(path, { page, limit: 50 })
      if (!members.length && page > 1) {
        page = pagination.total_pages
        return load()
      }
      const focused = list.contains(document.activeElement)
      reconcile(list, members, ({ user_id: id, name, role: one }) => `${id} ${name} ${one === 'owner'}`, row, showRole)
      if (focused && !list.contains(document.activeElement)) user.focus() // who had the focus is gone
      showPager(pager, pagination, (to) => {
        page = to
        load()
      })
    } catch (error) {
      list.replaceChildren(h('li', { class: 'quiet' }, error.message))
    }
    list.setAttribute('aria-busy', 'false')
    return undefined
  }
  const row = (member) => {
    const name = member.name ?? member.user_id
    const owner = member.role === 'owner'
    const put = (event) => change(() => app.rest.put(`${path}/${encodeURIComponent(member.user_id)}`, { role: event.target.value }))
    const remove = () => change(() => app.rest.delete(`${path}/${encodeURIComponent(member.user_id)}`))
    return h(
      'li',
      {},
      face(name, '#7a7f96'),
      h('span', { class: 'grow' }, name, member.name ? h('span', { class: 'quiet small block' }, member.user_id) : null),
      owner ? h('span', { class: 'quiet' }, 'Owner') : roleSelect(member.role, `Role of ${name}`, put),
      owner ? null : iconButton('close', `Remove ${name}`, remove),
    )
  }
  const add = onSubmit(() =>
    change(async () => {
      await app.rest.put(`${path}/${encodeURIComponent(user.value.trim())}`, { role: role.value })
      user.value = ''
    }),
  )
  const copy = async () => {
    await navigator.clipboard.writeText(link)
    toast('The link is copied.')
  }
  openDialog(`Share “${video.title}”`, [
    h('form', { class: 'row', on: { submit: add } }, user, role, button('Add', null, { primary: true, type: 'submit' })),
    list,
    pager,
    h('div', { class: 'row link-row' }, h('input', { class: 'input grow mono', readonly: true, value: link, 'aria-label': 'Link to the video' }), button('Copy link', () => copy().catch(complain), { iconName: 'copy' })),
    h('p', { class: 'quiet small' }, 'The link opens the video for its members.'),
  ])
  load()
}

function showRole(element, { role }) {
  const select = element.querySelector('select')
  if (select) select.value = role
}

function roleSelect(value, label, change = null) {
  const select = h('select', { class: 'input', 'aria-label': label, on: { change } }, ...ROLES.map(([role, text]) => h('option', { value: role }, text)))
  select.value = value
  return select
}
