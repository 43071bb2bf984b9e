// The service worker: the network first, and what was kept of the page when there is none.

const CACHE = 'cocut-page'

addEventListener('install', () => skipWaiting())
addEventListener('activate', (event) => event.waitUntil(clients.claim()))
addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  const ours = url.origin === location.origin && (url.pathname === '/' || url.pathname.startsWith('/editor/'))
  if (event.request.method === 'GET' && ours) event.respondWith(answer(event.request, url.pathname))
})

async function answer(request, path) {
  const cache = await caches.open(CACHE)
  try {
    const response = await fetch(request)
    if (response.ok) await cache.put(path, response.clone())
    return response
  } catch (error) {
    const kept = await cache.match(path)
    if (kept) return kept
    throw error
  }
}
