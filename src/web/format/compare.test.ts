import { expect, test } from 'bun:test'
import type { Manifest } from '../api/operations.ts'
import { bytesOf, compare } from './compare.ts'

function manifest(layers: string[], env: string[], labels: Record<string, string> = {}): Manifest {
  return {
    ...{ digest: layers.join(), mediaType: '', size: 1, kind: 'image', contentSize: 0, tags: [] },
    ...{ annotations: {}, platforms: [], referrers: [] },
    layers: layers.map((digest) => ({ digest, mediaType: '', size: 10, annotations: {} })),
    image: {
      ...{ os: '', architecture: '', user: '', workingDir: '', entrypoint: [], command: [], ports: [], volumes: [] },
      ...{ env, labels, history: [] },
    },
  }
}

test('two images are compared by their layers, in any order', () => {
  const { shared, onlyLeft, onlyRight } = compare(manifest(['a', 'b', 'b'], []), manifest(['c', 'a'], []))
  expect([shared, onlyLeft, onlyRight].map((layers) => layers.map(({ digest }) => digest))).toEqual([
    ['a'],
    ['b'],
    ['c'],
  ])
  expect(bytesOf([...onlyLeft, ...onlyRight])).toBe(20)
})

test('and by the values that differ', () => {
  const left = manifest([], ['A=1', 'B=x=y'], { same: '1' })
  const right = manifest([], ['A=2', 'B=x=y'], { same: '1', new: '' })
  expect(compare(left, right).values).toEqual([
    { name: 'A', left: '1', right: '2' },
    { name: 'new', left: undefined, right: '' },
  ])
})
