// Signing in with a token, at the start and when the one before has ended.

import { h } from './dom.js'
import { button, openDialog } from './widgets.js'

/** The view for those who have no token. */
export function signIn(app) {
  return {
    elements: [
      h(
        'main',
        { class: 'sign-in' },
        h('img', { src: '/editor/icon.svg', width: 48, height: 48, alt: '' }),
        h('h1', {}, 'Cocut'),
        h('p', { class: 'quiet' }, 'Edit short videos together. Sign in with a token from whoever runs this server.'),
        tokenForm('Sign in', (token) => {
          app.session.signIn(token)
          app.show()
        }),
        h('p', { class: 'quiet small' }, 'On the server’s own machine, ', h('code', {}, 'cocut token --user NAME'), ' prints one.'),
      ),
    ],
    shown: () => document.querySelector('.sign-in textarea')?.focus(),
    close() {},
  }
}

/** Ask for a new token over an open editor, which keeps its edits meanwhile. */
export function renewSession(app) {
  if (document.querySelector('dialog.renewal')) return
  const dialog = openDialog('Your session has ended', [
    h('p', {}, 'What you have done is kept in this browser. Paste a new token to go on and save it.'),
    tokenForm('Continue', (token) => app.session.signIn(token)),
  ], { onClose: () => app.session.removeEventListener('change', renewed) })
  const renewed = () => app.session.isExpired || dialog.close()
  app.session.addEventListener('change', renewed)
  dialog.element.classList.add('renewal')
}

function tokenForm(label, take) {
  const complaint = h('p', { class: 'complaint', role: 'alert' })
  const input = h('textarea', { class: 'input mono', rows: 4, required: true, spellcheck: 'false', autocomplete: 'off', 'aria-label': 'Token', placeholder: 'eyJhbGciOi…' })
  return h(
    'form',
    {
      class: 'token-form',
      on: {
        submit(event) {
          event.preventDefault()
          try {
            take(input.value)
          } catch (error) {
            complaint.textContent = error.message
          }
        },
      },
    },
    input,
    complaint,
    button(label, null, { primary: true, type: 'submit' }),
  )
}
