/**
 * Pushes small images with unique content, several at once, in the order of requests in which docker does. Argument: the task as
 * JSON. Answers `{images, seconds, cpuSeconds}` when all are pushed, or, asked to end (SIGTERM), when those in flight are.
 */
import { type Blob, blobOf, configOf, manifestOf } from '../harness/content.ts'
import {
  finish,
  inParallel,
  locationOf,
  octets,
  putManifest,
  request,
  startUpload,
} from '../harness/registry-client.ts'

interface Task {
  url: string
  images: number
  atOnce: number
  layerBytes: number
  /** Content and names are unique to it. */
  seed: string
}

const task = JSON.parse(process.argv[2]!) as Task
const filler = crypto.getRandomValues(new Uint8Array(Math.min(task.layerBytes, 65_536)))
let ended = false
process.on('SIGTERM', () => {
  ended = true
})

const images = Array.from({ length: task.images }, (_, index) => {
  const layer = Buffer.alloc(task.layerBytes, filler)
  layer.write(`${task.seed}-${index}`)
  return { name: `bench/small-${task.seed}-${index}`, config: configOf(`${task.seed}-${index}`), layer: blobOf(layer) }
})

console.log('started')
let pushed = 0
const cpuBefore = process.cpuUsage()
const began = performance.now()
await inParallel(images, task.atOnce, async ({ name, config, layer }) => {
  if (ended) return
  await push(name, layer)
  await push(name, config)
  await putManifest(task.url, name, manifestOf(config, [layer]), { reference: 'latest' })
  pushed++
})
const seconds = (performance.now() - began) / 1000
const cpu = process.cpuUsage(cpuBefore)
console.log(JSON.stringify({ images: pushed, seconds, cpuSeconds: (cpu.user + cpu.system) / 1e6 }))
process.exit(0)

async function push(image: string, blob: Blob): Promise<void> {
  const address = `${task.url}/v2/${image}/blobs/${blob.digest}`
  await finish(await request('HEAD', address, [404]))
  const upload = await startUpload(task.url, image)
  const patched = await request('PATCH', upload, [202], { body: blob.bytes, headers: octets })
  await finish(patched)
  const closing = locationOf(patched, task.url, { digest: blob.digest })
  await finish(await request('PUT', closing, [201], { headers: octets }))
  await finish(await request('HEAD', address, [200]))
}
