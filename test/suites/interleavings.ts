import { expect } from 'bun:test'
import type { Digest } from '../../src/content/digest.ts'
import { digestOf } from '../../src/content/digest.ts'
import { AppError } from '../../src/errors.ts'
import { hour, type Instance, type Lab, manifestBytes, minute, openLab } from '../helpers/content-lab.ts'
import type { TestDatabase } from '../helpers/databases.ts'

const images = ['one', 'two', 'three']
const tags = ['latest', 'stable']
const contents = ['alpha', 'beta', 'gamma', 'delta'].map((bytes) => ({ bytes, digest: digestOf(Buffer.from(bytes)) }))

/** What may be refused while others do the opposite at the same moment. Everything else is a mistake. */
const expected = ['manifest-reference-unknown', 'method-unsupported', 'unavailable', 'upload-unknown']

type Pick = <T>(choices: readonly T[]) => T

interface Outcome {
  /** `image tag` that was changed, and to what; or `image digest` of a blob that was promised (true) or deleted (false). */
  tag?: [name: string, digest: Digest | undefined]
  blob?: [name: string, there: boolean]
  manifestGone?: [image: string, digest: Digest]
}

/**
 * Two instances on one database and store do random things at the same time for `milliseconds`, round after round. After each round what was
 * acknowledged is there, nothing is half there, and nothing is lost to the collector; in the end everything is deleted and nothing remains.
 * Returns how many operations there were.
 */
export async function runInterleavings(
  opened: TestDatabase,
  { seed, milliseconds, graceMs }: { seed: number; milliseconds: number; graceMs: number },
): Promise<number> {
  const pick = picker(seed)
  const lab = await openLab(opened, { graceMs })
  const instances = [await lab.instance(), await lab.instance()]
  const tagged = new Map<string, Digest | undefined>()
  const end = performance.now() + milliseconds
  let operations = 0
  for (let round = 0; performance.now() < end; round++) {
    const work = Array.from({ length: 12 }, () => operation(pick, pick(instances), lab))
    const outcomes = (await Promise.all(work.map(allowRefusal))).filter((outcome) => outcome !== undefined)
    operations += work.length
    try {
      await lab.check()
      await checkTags(instances[0]!, tagged, outcomes)
      if (graceMs > 0) await checkBlobs(instances[1]!, outcomes)
    } catch (error) {
      throw new Error(`seed ${seed}, round ${round}: ${(error as Error).message}`, { cause: error })
    }
    lab.advance(pick([0, 1, minute, 2 * hour]))
  }
  await deleteEverything(instances, lab)
  expect(await lab.remains()).toEqual({})
  return operations
}

async function operation(pick: Pick, instance: Instance, lab: Lab): Promise<Outcome> {
  const [image, source, tag] = [pick(images), pick(images), pick(tags)]
  const [content, another] = [pick(contents), pick(contents)]
  const references = [...new Set([content.digest, another.digest])].toSorted()
  const named = `${image} ${content.digest}`
  if (pick([true, false])) await new Promise((resolve) => setTimeout(resolve, pick([0, 1, 3])))
  switch (pick(['push', 'push', 'image', 'image', 'retag', 'untag', 'forget', 'unlink', 'mount', 'head', 'gc', 'gc'])) {
    case 'push':
      await instance.push(image, content.bytes)
      return { blob: [named, true] }
    case 'image':
      for (const { bytes, digest } of contents) if (references.includes(digest)) await instance.push(image, bytes)
      return { tag: [`${image} ${tag}`, await instance.tag(image, references, tag)] }
    case 'retag':
      return { tag: [`${image} ${tag}`, await instance.tag(image, references, tag)] }
    case 'untag':
      return (await instance.images.deleteTag(image, tag)) ? { tag: [`${image} ${tag}`, undefined] } : {}
    case 'forget': {
      const digest = digestOf(manifestBytes(references))
      return (await instance.images.deleteManifest(image, digest)) ? { manifestGone: [image, digest] } : {}
    }
    case 'unlink':
      return (await instance.images.deleteBlob(image, content.digest)) ? { blob: [named, false] } : {}
    case 'mount': {
      const mounted = await instance.blobs.mount(instance.placeOf(source), instance.placeOf(image), content.digest)
      return mounted ? { blob: [named, true] } : {}
    }
    case 'head':
      return (await instance.has(image, content.digest)) ? { blob: [named, true] } : {}
    default:
      lab.advance(1)
      await instance.collector.run()
      return {}
  }
}

async function allowRefusal(work: Promise<Outcome>): Promise<Outcome | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof AppError && expected.includes(error.code)) return undefined
    throw error
  }
}

/** A tag is what one of the acknowledged changes made it, or what it was. What it points to is whole. */
async function checkTags(instance: Instance, tagged: Map<string, Digest | undefined>, outcomes: Outcome[]) {
  for (const name of images.flatMap((image) => tags.map((tag) => `${image} ${tag}`))) {
    const [image, tag] = name.split(' ') as [string, string]
    const changes = outcomes.flatMap(({ tag: changed }) => (changed?.[0] === name ? [changed[1]] : []))
    const possible = changes.length > 0 ? changes : [tagged.get(name)]
    const gone = outcomes.some(({ manifestGone }) => manifestGone?.[0] === image && possible.includes(manifestGone[1]))
    const found = await instance.manifest(image, { tag })
    if (!possible.includes(found) && !(gone && found === undefined)) {
      throw new Error(`${name} is ${found}, but may be ${possible.join(' or ')}${gone ? ' or gone' : ''}`)
    }
    tagged.set(name, found)
  }
}

async function checkBlobs(instance: Instance, outcomes: Outcome[]) {
  const deleted = new Set(outcomes.flatMap(({ blob }) => (blob && !blob[1] ? [blob[0]] : [])))
  for (const { blob } of outcomes) {
    if (!blob?.[1] || deleted.has(blob[0])) continue
    const [image, digest] = blob[0].split(' ') as [string, Digest]
    const bytes = await instance.pull(image, digest)
    if (bytes === undefined) throw new Error(`${blob[0]} was promised in this round and is gone`)
  }
}

async function deleteEverything(instances: Instance[], lab: Lab): Promise<void> {
  const [one, two] = instances as [Instance, Instance]
  const manifests = contents.flatMap((a) => contents.map((b) => [...new Set([a.digest, b.digest])].toSorted()))
  for (const image of images) {
    for (const references of manifests) await one.images.deleteManifest(image, digestOf(manifestBytes(references)))
  }
  lab.advance(24 * hour)
  await two.uploads.purge(hour)
  await Promise.all([one.collector.run(), two.collector.run()])
  lab.advance(24 * hour)
  await one.collector.run()
}

/** Chooses the same in every run for the same seed. */
function picker(seed: number): Pick {
  let state = seed
  return (choices) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return choices[Math.floor((state / 2 ** 32) * choices.length)]!
  }
}
