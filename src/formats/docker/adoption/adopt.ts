import type { ContentParts } from '../../../content/content.ts'
import type { Uploads } from '../../../content/uploads.ts'
import type { Queries } from '../../../database/database.ts'
import type { Repository } from '../../../repositories/repositories.ts'
import { isImageName } from '../images/names.ts'
import { mapBounded } from './bounded.ts'
import { createContents } from './contents.ts'
import { readImage } from './read-image.ts'
import { createReport, type Problem, type Progress } from './report.ts'
import { findImages, type Source } from './source.ts'
import { createWriter } from './writer.ts'

export interface AdoptOptions {
  /** Where registry:2 kept its data. Only read, except that an adoption in place may add the copy of a blob under a second digest. */
  source: Source
  /** What the images become part of. */
  repository: Repository
  /** Names of all repositories: an image that begins with one is reported, because that name means the repository from now on. */
  taken: string[]
  /** The source is the blob store of the repository: contents stay where they are. Otherwise they are copied, and verified while at it. */
  inPlace: boolean
  /** Hash what is not copied, too. */
  verify?: boolean
  /** A server may be working with the same repository meanwhile. */
  serving?: boolean
  /** The last image, in the order of names, up to which an earlier run came. */
  after?: string | undefined
  /** Called within the transaction that completes all images up to this one. */
  remember?(queries: Queries, image: string): Promise<void>
  onProblem(problem: Problem): void
  /** Called every now and then. */
  onProgress?(progress: Progress): void
  /** Stops between two parts; what is written stays. */
  signal?: AbortSignal
}

/** How many images are read at once. */
const imagesAtOnce = 8
/** Manifests in one transaction when nothing is copied. */
const batch = 500
const progressMs = 3000

/**
 * Brings the images of a registry:2 into a repository: manifests byte for byte, tags with their history, and links to their blobs. Repeating it
 * adds what is new and changes nothing else. Parts that are broken are reported and left out. Throws what the database or the place throws, and
 * the reason of `signal`.
 */
export async function adoptImages(
  parts: ContentParts & { uploads: Uploads },
  options: AdoptOptions,
): Promise<Progress> {
  const { source, repository, inPlace, verify = false, serving = false, after, signal } = options
  const report = createReport(options.onProblem)
  const names = (await findImages(source)).filter((name) => after === undefined || name > after)
  report.progress.imagesInAll = names.length
  const completed = createCompleted(names)
  const contents = createContents({ parts, repository, source, inPlace, verify, report })
  const writer = createWriter({
    parts,
    repository,
    inPlace,
    serving,
    report,
    // What was copied is only kept for the grace time: its manifest must not wait for others.
    batch: inPlace ? batch : 1,
    async completing(queries, images) {
      const upTo = completed.with(images)
      if (upTo !== undefined) await options.remember?.(queries, upTo)
    },
  })
  const timer = setInterval(() => options.onProgress?.(report.progress), progressMs)
  try {
    await mapBounded(names, imagesAtOnce, async (image) => {
      if (!isImageName(image)) {
        report.problem({ kind: 'name-invalid', image, reason: 'it is not a valid name for an image' })
        await writer.add({ image, manifests: [], links: new Map(), tags: [], isLast: true })
        return
      }
      if (image.includes('/') && options.taken.includes(image.split('/')[0]!))
        report.problem(nameTaken(image, repository))
      for await (const part of readImage(image, { source, contents, report, batch: inPlace ? batch : 1 })) {
        signal?.throwIfAborted()
        await writer.add(part)
      }
    })
    await writer.finish()
  } finally {
    clearInterval(timer)
  }
  return report.progress
}

function nameTaken(image: string, { name }: Repository): Problem {
  const first = image.split('/')[0]
  const reason = `its name begins with that of the repository ${first}, which wins: pull it as ${name}/${image}`
  return { kind: 'name-taken', image, reason }
}

/** Images are completed in no particular order; a later run can only go on after the last one before which all are complete. */
function createCompleted(names: string[]) {
  const done = new Set<string>()
  let next = 0
  return {
    /** Notes these as complete and returns that last one. */
    with(images: string[]): string | undefined {
      for (const image of images) done.add(image)
      while (next < names.length && done.has(names[next]!)) done.delete(names[next++]!)
      return next === 0 ? undefined : names[next - 1]
    },
  }
}
