// The service worker: the network first, and the kept copy of the page where there is none.
//
// A worker belongs to one version of the page, which its address names. It is installed when every
// file of that version is kept, and not before; what is kept never changes after that.

const VERSION = new URL(location).searchParams.get('version')
const CACHE = `cocut-page-${VERSION}`
const LIST = '/editor/files.json'

addEventListener('install', (event) => event.waitUntil(keep().then(() => skipWaiting())))
addEventListener('activate', (event) => event.waitUntil(forgetOthers().then(() => clients.claim())))
addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  const ours = url.origin === location.origin && (url.pathname === '/' || url.pathname.startsWith('/editor/'))
  if (event.request.method === 'GET' && ours) event.respondWith(answer(event.request, url.pathname))
})

async function keep() {
  const { files } = await list()
  const cache = await caches.open(CACHE)
  await cache.addAll([...files, LIST].map((file) => new Request(file, { cache: 'no-cache' })))
  await list() // the server may have been renewed meanwhile
}

async function list() {
  const response = await fetch(LIST, { cache: 'no-cache' })
  const files = await response.json()
  if (files.version !== VERSION) throw new Error('The server has another version of the page by now.')
  return files
}

async function forgetOthers() {
  const names = await caches.keys()
  await Promise.all(names.filter((name) => name.startsWith('cocut-page') && name !== CACHE).map((name) => caches.delete(name)))
}

async function answer(request, path) {
  try {
    return await fetch(request)
  } catch (error) {
    const cache = await caches.open(CACHE)
    const kept = await cache.match(path)
    if (kept) return kept
    throw error
  }
}
