import { AppError } from '../../../errors.ts'

/** What can be wrong with a part of a registry's data. */
export type ProblemKind =
  | 'name-invalid'
  | 'name-taken'
  | 'link-broken'
  | 'manifest-missing'
  | 'manifest-invalid'
  | 'manifest-damaged'
  | 'child-missing'
  | 'blob-missing'
  | 'blob-damaged'
  | 'tag-invalid'
  | 'tag-dangling'
  | 'unreadable'

/** One part that could not be adopted, or not whole, with the reason for people. */
export interface Problem {
  kind: ProblemKind
  image: string
  /** The tag or digest in question; undefined: the image as such. */
  reference?: string
  reason: string
}

/** How far an adoption has come, and what it has amounted to in the end. */
export interface Progress {
  /** Images looked at, of `imagesInAll`. */
  images: number
  imagesInAll: number
  /** Manifests that can be pulled; `newManifests` of them could not before. */
  manifests: number
  newManifests: number
  /** Tags that were added. A tag that existed already was left alone. */
  newTags: number
  /** Distinct contents that are pullable from some image, manifests apart, and their bytes. */
  blobs: number
  bytes: number
  /** Of these, how many were copied. */
  copied: number
  problems: Partial<Record<ProblemKind, number>>
}

/** Where an adoption writes down what it did. */
export interface Report {
  readonly progress: Progress
  problem(problem: Problem): void
  /** For what went wrong while a part was read: a file that cannot be read is a problem like others. Throws everything else, and when there are many such files. */
  trouble(image: string, reference: string, error: unknown): void
}

/** So many unreadable files are no longer some damaged parts but a place that does not work, and nothing there may be given up. */
const mostUnreadable = 100

/** Counts problems by kind and hands each one on. */
export function createReport(onProblem: (problem: Problem) => void): Report {
  const progress: Progress = {
    images: 0,
    imagesInAll: 0,
    manifests: 0,
    newManifests: 0,
    newTags: 0,
    blobs: 0,
    bytes: 0,
    copied: 0,
    problems: {},
  }
  function problem(problem: Problem): void {
    progress.problems[problem.kind] = (progress.problems[problem.kind] ?? 0) + 1
    onProblem(problem)
  }
  return {
    progress,
    problem,
    trouble(image, reference, error) {
      const isFile = error instanceof AppError && error.code === 'unavailable'
      if (!isFile || (progress.problems.unreadable ?? 0) >= mostUnreadable) throw error
      problem({ kind: 'unreadable', image, reference, reason: error.message })
    },
  }
}

/** One line for people: `team/app:v1: it points to sha256:..., which this image does not have`. */
export function describeProblem({ image, reference, reason }: Problem): string {
  if (reference === undefined) return `${image}: ${reason}`
  return `${image}${reference.includes(':') ? '@' : ':'}${reference}: ${reason}`
}
