// The REST API: JSON in and out, its errors as errors, uploads with progress.

/** An error that the API answered, or `code` `offline` when there was no answer. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
  }
}

export class Rest {
  #session

  constructor(session) {
    this.#session = session
  }

  get(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined)
    const search = new URLSearchParams(given).toString()
    return this.#call('GET', search ? `${path}?${search}` : path)
  }

  post(path, body = {}) {
    return this.#call('POST', path, body, { 'Idempotency-Key': crypto.randomUUID() })
  }

  put(path, body) {
    return this.#call('PUT', path, body)
  }

  delete(path) {
    return this.#call('DELETE', path)
  }

  /**
   * Upload a file as a form.
   *
   * @param {string} path
   * @param {File} file
   * @param {object} fields
   * @param {(part: number) => void} progress 0 to 1
   * @param {AbortSignal} signal
   */
  async upload(path, file, fields, progress, signal) {
    const { token } = this.#session
    try {
      return await this.#send(path, file, fields, progress, signal)
    } catch (error) {
      if (error.status !== 401 || signal.aborted || !(await this.#session.refused(token))) throw error
      return this.#send(path, file, fields, progress, signal)
    }
  }

  #send(path, file, fields, progress, signal) {
    return new Promise((resolve, reject) => {
      const form = new FormData()
      for (const [name, value] of Object.entries(fields)) form.append(name, value)
      form.append('file', file)
      const request = new XMLHttpRequest()
      request.open('POST', `/api/v1${path}`)
      request.setRequestHeader('Authorization', `Bearer ${this.#session.token}`)
      request.upload.addEventListener('progress', (event) => progress(event.loaded / event.total))
      request.addEventListener('load', () => {
        try {
          resolve(unpack(request.status, JSON.parse(request.responseText)))
        } catch (error) {
          reject(error instanceof ApiError ? error : new ApiError(request.status, 'malformed', 'The upload failed.'))
        }
      })
      request.addEventListener('error', () => reject(offline()))
      request.addEventListener('abort', () => reject(new DOMException('cancelled', 'AbortError')))
      signal.addEventListener('abort', () => request.abort())
      request.send(form)
    })
  }

  async #call(method, path, body, headers = {}, again = true) {
    const { token } = this.#session
    let response
    try {
      response = await fetch(`/api/v1${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      })
    } catch {
      throw offline()
    }
    if (response.status === 401 && again && (await this.#session.refused(token))) {
      return this.#call(method, path, body, headers, false)
    }
    const shown = await response.json().catch(() => null)
    return unpack(response.status, shown)
  }
}

function unpack(status, shown) {
  if (shown?.success) return shown.data ?? null
  const error = shown?.error ?? {}
  const details = (status === 422 ? (error.details ?? []) : []).filter(({ field, message }) => field && message)
  const said = details.length ? details.map(({ field, message }) => `${field}: ${message}.`).join(' ') : error.message
  throw new ApiError(status, error.code ?? 'unknown', said ?? `The server answered ${status}.`)
}

function offline() {
  return new ApiError(0, 'offline', 'The server cannot be reached.')
}
