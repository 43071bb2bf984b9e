// The page itself without a server: a service worker that answers from what was kept.

const CACHE = 'cocut-page'

/** Keep the page's files, so that it opens again while there is no connection. */
export async function keepForOffline() {
  if (!('serviceWorker' in navigator) || !window.isSecureContext) return
  await new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve))
  try {
    await navigator.serviceWorker.register('/editor/worker.js', { scope: '/' })
    const loaded = performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)
    const files = new Set(['/', ...loaded.filter((path) => path.startsWith('/editor/') && path !== '/editor/token')])
    const cache = await caches.open(CACHE)
    await Promise.all([...files].map((file) => cache.add(file)))
  } catch {
    // Without it the page works, but does not open while the server is away.
  }
}
