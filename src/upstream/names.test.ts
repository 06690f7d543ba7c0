import { describe, expect, test } from 'bun:test'
import { apiBase, canonicalName, type LibraryPrefix, namespacesOf } from './names.ts'

const hub = apiBase('https://registry-1.docker.io')
const quay = apiBase('https://quay.io')

describe('canonical names', () => {
  const table: [image: string, upstream: URL, prefix: LibraryPrefix | undefined, wanted: string][] = [
    ['alpine', hub, undefined, 'library/alpine'],
    ['alpine', hub, 'auto', 'library/alpine'],
    ['alpine', hub, 'never', 'alpine'],
    ['alpine', hub, 'always', 'library/alpine'],
    ['library/alpine', hub, 'auto', 'library/alpine'],
    ['library/alpine', hub, 'always', 'library/alpine'],
    ['bitnami/redis', hub, 'auto', 'bitnami/redis'],
    ['a/b/c', hub, 'always', 'a/b/c'],
    ['alpine', quay, 'auto', 'alpine'],
    ['alpine', quay, 'always', 'library/alpine'],
  ]
  for (const [image, upstream, prefix, wanted] of table) {
    test(`${image} at ${upstream.host}, prefix ${prefix ?? 'not set'}, is ${wanted}`, () => {
      expect(canonicalName(image, upstream, prefix)).toBe(wanted)
    })
  }
})

describe('the base of an upstream', () => {
  const table: [url: string, base: string][] = [
    ['https://docker.io', 'https://registry-1.docker.io/'],
    ['https://index.docker.io/v1/', 'https://registry-1.docker.io/'],
    ['https://hub.docker.com', 'https://registry-1.docker.io/'],
    ['http://10.1.2.3:5000', 'http://10.1.2.3:5000/'],
    ['http://10.1.2.3:5000/v2/', 'http://10.1.2.3:5000/'],
    ['https://nexus.test/repository/docker/', 'https://nexus.test/repository/docker'],
    ['https://nexus.test/repository/docker/v2', 'https://nexus.test/repository/docker'],
    ['https://mydocker.io', 'https://mydocker.io/'],
  ]
  for (const [url, base] of table) test(`of ${url} is ${base}`, () => expect(apiBase(url).href).toBe(base))
})

test('an upstream answers for its host, Docker Hub for docker.io, and both for what is added', () => {
  expect(namespacesOf(hub)).toEqual(['docker.io'])
  expect(namespacesOf(quay, ['Mirror.Test'])).toEqual(['quay.io', 'mirror.test'])
  expect(namespacesOf(apiBase('http://10.1.2.3:5000/x'))).toEqual(['10.1.2.3:5000'])
})
