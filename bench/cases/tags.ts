import type { Benchmark } from '../harness/bench.ts'
import { taggedImage } from '../harness/content.ts'
import { comparePages, pageMethod } from './pages.ts'

export const tags: Benchmark = {
  name: 'tags',
  title: 'First page of tags',
  method: ({ tags }) =>
    `One image with ${tags.many.toLocaleString('en')} tags and one with ${tags.few.toLocaleString('en')}, each in a registry of its own. ${pageMethod} ` +
    "Entrepot's are pushed; docker-registry's files are written directly. docker-registry 2.8.2 knows no paging here and always answers all tags.",
  run: (bench) =>
    comparePages(bench, 'tags', bench.sizes.tags, {
      path: `/v2/${taggedImage}/tags/list`,
      key: 'tags',
      what: 'tags',
    }),
}
