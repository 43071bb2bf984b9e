// Light or dark: as the system has it, or as was chosen here.

const KEY = 'cocut:theme'
const CHOICES = ['system', 'light', 'dark']

export function theme() {
  return localStorage.getItem(KEY) ?? 'system'
}

export function applyTheme(chosen = theme()) {
  if (chosen === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
}

/** Choose the next of system, light and dark; returns it. */
export function nextTheme() {
  const chosen = CHOICES[(CHOICES.indexOf(theme()) + 1) % CHOICES.length]
  localStorage.setItem(KEY, chosen)
  applyTheme(chosen)
  return chosen
}
