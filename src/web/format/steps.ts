import type { Descriptor, ImageConfig } from '../api/operations.ts'

/** One step of how an image was made: the line of the Dockerfile, and the layer that came of it. */
export interface Step {
  by: string
  created: string | undefined
  /** Undefined for steps that changed no file, and for layers of which more is not known. */
  layer: Descriptor | undefined
}

/**
 * Puts the history of an image beside its layers: entries that are not empty have one each, in the same order (image-spec, config.md).
 * Layers without an entry come last, with nothing said of them.
 */
export function stepsOf(layers: readonly Descriptor[], history: ImageConfig['history']): Step[] {
  const rest = [...layers]
  const told = history.map(({ by, comment, created, empty }) => ({
    by: instructionOf(by) || comment,
    created,
    layer: empty ? undefined : rest.shift(),
  }))
  return [...told, ...rest.map((layer) => ({ by: '', created: undefined, layer }))]
}

/** The instruction as it stood in the Dockerfile, without what the builders put around it. */
export function instructionOf(createdBy: string): string {
  const text = createdBy
    .replace(/\s+/g, ' ')
    .replace(/ # buildkit$/, '')
    .trim()
  const nop = /^\/bin\/sh -c #\(nop\) (.*)$/.exec(text)?.[1]
  if (nop !== undefined) return nop.trim()
  const run = /^(?:RUN )?(?:\|\d+ .*?)?\/bin\/sh -c (.*)$/.exec(text)?.[1]
  return run === undefined ? text : `RUN ${run}`
}
