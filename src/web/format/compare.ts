import type { Descriptor, Manifest } from '../api/operations.ts'

/** In what two manifests differ. */
export interface Comparison {
  /** Layers that both have; a client that has one of the images need not pull them again. */
  shared: Descriptor[]
  onlyLeft: Descriptor[]
  onlyRight: Descriptor[]
  /** Variables of the environment and labels whose values differ; undefined where one of them has none. */
  values: { name: string; left: string | undefined; right: string | undefined }[]
}

/** Compares what two images are made of. The order of layers does not count, and one that is there twice counts once. */
export function compare(left: Manifest, right: Manifest): Comparison {
  const [inLeft, inRight] = [byDigest(left.layers), byDigest(right.layers)]
  const [ofLeft, ofRight] = [valuesOf(left), valuesOf(right)]
  const names = [...new Set([...ofLeft.keys(), ...ofRight.keys()])].sort()
  return {
    shared: [...inLeft.values()].filter(({ digest }) => inRight.has(digest)),
    onlyLeft: [...inLeft.values()].filter(({ digest }) => !inRight.has(digest)),
    onlyRight: [...inRight.values()].filter(({ digest }) => !inLeft.has(digest)),
    values: names
      .map((name) => ({ name, left: ofLeft.get(name), right: ofRight.get(name) }))
      .filter((value) => value.left !== value.right),
  }
}

/** The bytes of layers together. */
export function bytesOf(layers: readonly Descriptor[]): number {
  return layers.reduce((sum, { size }) => sum + size, 0)
}

function byDigest(layers: readonly Descriptor[]): Map<string, Descriptor> {
  return new Map(layers.map((layer) => [layer.digest, layer]))
}

function valuesOf({ image }: Manifest): Map<string, string> {
  const variables = (image?.env ?? []).map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)])
  return new Map([...variables, ...Object.entries(image?.labels ?? {})] as [string, string][])
}
