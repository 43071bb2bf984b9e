// The button for oneself: name, theme, documentation, signing out.

import { h } from './dom.js'
import { nextTheme, theme } from './theme.js'
import { ask, face, openMenu, toast } from './widgets.js'

export function accountButton(app) {
  const { session } = app
  const open = () =>
    openMenu(element, [
      ...(session.canRename ? [{ label: `Change my name (${session.name})`, iconName: 'user', action: rename }] : []),
      { label: `Theme: ${theme()}`, iconName: 'theme', action: () => toast(`Theme: ${nextTheme()}`) },
      { label: 'API documentation', iconName: 'keyboard', action: () => window.open('/docs', '_blank', 'noopener') },
      null,
      { label: session.isGuest ? 'Sign in with a token' : 'Sign out', iconName: 'back', action: leave },
    ])
  const rename = async () => {
    const name = await ask('Your name', 'The name that others see', session.name, 'Save')
    if (name) session.name = name
    show()
  }
  const leave = () => {
    session.signOut()
    app.show()
  }
  const element = h('button', { type: 'button', class: 'account', on: { click: open } })
  const show = () => {
    element.setAttribute('aria-label', `You are ${session.name}`)
    element.title = session.name
    element.replaceChildren(face(session.name, session.colour))
  }
  show()
  return element
}
