// Listeners with the real client: `node listeners.mjs ADDRESS TOKEN VIDEO COUNT`. Prints `joined`,
// and when standard input ends, one line with what each has heard of layers: when (seconds of the
// monotonic clock), which, its `x`, and `seq`.
import { io } from 'socket.io-client'

const [address, token, video, count] = process.argv.slice(2)
const heard = await Promise.all([...Array(Number(count))].map(() => new Promise((resolve, reject) => {
  const socket = io(address, { auth: { token }, transports: ['websocket'], forceNew: true })
  const events = []
  socket.on('connect_error', reject)
  socket.on('layer:updated', ({ layer_id: layer, layer: { properties: { x } }, seq }) => {
    events.push([Number(process.hrtime.bigint()) / 1e9, layer, x, seq])
  })
  socket.on('connect', () => socket.emit('video:join', { video_id: video }, (answer) => {
    if (answer.success) resolve(events)
    else reject(new Error(answer.error.message))
  }))
})))
console.log('joined')
process.stdin.on('end', () => process.stdout.write(JSON.stringify(heard) + '\n', () => process.exit()))
process.stdin.resume()
