// The keys of the editor, and the dialog that lists them.

import { h } from './dom.js'
import { openDialog } from './widgets.js'

const mac = /Mac|iPhone|iPad/.test(navigator.platform)
const MOD = mac ? '⌘' : 'Ctrl'

const LIST = [
  ['Space', 'Play or pause'],
  [`${MOD} Z`, 'Undo what I did'],
  [`${MOD} ${mac ? '⇧ Z' : 'Y'}`, 'Redo'],
  [`${MOD} Enter`, 'Add a scene after this one'],
  [`${MOD} D`, 'Duplicate the layer, or the scene'],
  ['Delete', 'Delete the layer'],
  ['Page Up, Page Down', 'Scene before, next scene'],
  ['← →', 'Step in time; on a bar: move it, with Shift: trim it'],
  ['Enter on a bar', 'Go to the properties of its layer'],
  ['↑ ↓ on a grip', 'Move a scene or a layer'],
  ['Arrow keys on the canvas', 'Move the layer, with Shift: further'],
  ['Escape', 'Select nothing'],
  ['?', 'This list'],
]

export function showShortcuts() {
  const rows = LIST.map(([keys, what]) => h('li', {}, h('kbd', {}, keys), h('span', {}, what)))
  openDialog('Keyboard', [h('ul', { class: 'shortcuts' }, ...rows)])
}

/** What a key does in the editor; true if it did something. */
export function press(event, editor) {
  if (document.querySelector('dialog[open]')) return false
  const { project, player, selection } = editor
  const modified = mac ? event.metaKey : event.ctrlKey
  const key = event.key.toLowerCase()
  if (modified && key === 'z' && !event.shiftKey) return editor.undo()
  if (modified && (key === 'y' || (key === 'z' && event.shiftKey))) return editor.redo()
  if (modified && key === 'enter') return project.readOnly ? false : (editor.scenes.addAfter(selection.scene), true)
  if (event.target.closest('input:not([type="range"]), textarea, select, [role="menu"]')) return false
  if (modified && key === 'd') return editor.duplicate()
  if (modified || event.altKey) return false
  if (key === ' ' && !event.target.closest('button, a')) return (player.toggle(), true)
  if ((key === 'delete' || key === 'backspace') && selection.layer) return (editor.deleteLayer(selection.layer), true)
  if (key === 'pageup' || key === 'pagedown') return (player.skip(key === 'pageup' ? -1 : 1), true)
  if ((key === 'arrowleft' || key === 'arrowright') && event.target === document.body) return (player.seek(player.time + (key === 'arrowleft' ? -0.1 : 0.1)), true)
  if (key === 'escape' && selection.layer) return (selection.select(selection.scene), true)
  if (key === '?') return (showShortcuts(), true)
  return false
}
