// The page itself without a server: a service worker that answers from what was kept.

/** Whether the page opens without a connection. Event: `change`, when `kept` has become true. */
export class OfflinePage extends EventTarget {
  kept = false

  /** Keep the page's files; what goes wrong leaves `kept` false, and the page works without. */
  async keep() {
    if (!('serviceWorker' in navigator) || !window.isSecureContext) return
    await new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve))
    try {
      const response = await fetch('/editor/files.json', { cache: 'no-cache' })
      const { version } = await response.json()
      const address = `/editor/worker.js?version=${version}`
      await active(await navigator.serviceWorker.register(address, { scope: '/' }), address)
    } catch {
      return // no connection yet, or a browser that keeps nothing
    }
    this.kept = true
    this.dispatchEvent(new Event('change'))
  }
}

/** Wait until the worker at `address` is the one that answers; its install has kept every file. */
async function active(registration, address) {
  const worker = [registration.installing, registration.waiting, registration.active].find((one) => one?.scriptURL.endsWith(address))
  while (worker?.state !== 'activated') {
    if (!worker || worker.state === 'redundant') throw new Error('The page could not be kept.')
    await new Promise((resolve) => worker.addEventListener('statechange', resolve, { once: true }))
  }
}
