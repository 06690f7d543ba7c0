import type { Benchmark } from '../harness/bench.ts'
import { comparePages, pageMethod } from './pages.ts'

export const catalog: Benchmark = {
  name: 'catalog',
  title: 'First page of the catalog',
  method: ({ images }) =>
    `A registry with ${images.many.toLocaleString('en')} images, a hundred to a team (\`team-0001/app-0042\`), and one with ${images.few.toLocaleString('en')}. ${pageMethod} ` +
    "Entrepot's are pushed; docker-registry's files are written directly.",
  run: (bench) =>
    comparePages(bench, 'images', bench.sizes.images, { path: '/v2/_catalog', key: 'repositories', what: 'catalog' }),
}
