import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from '../harness/process.ts'
import type { Registry, Settings } from '../harness/program.ts'
import { registryEnvironment } from './registry-environment.ts'
import { writeContent } from './registry-layout.ts'

/** Debian's docker-registry, set up as its package does (deletes on, descriptors cached in memory). */
export const dockerRegistry: Registry = {
  name: 'docker-registry',
  readyPath: '/v2/',
  durability:
    'docker-registry 2.8.2 calls fsync on each file it writes, but never on a folder: after a power cut an answered push may lack its names. ' +
    'Its "ending durable" numbers therefore include a sync of the file system (`sync -f`).',
  durableOnceAnswered: false,
  pagesTags: false,
  version: async () => (await run(['docker-registry', '--version'])).trim().split(' ').at(-1) ?? 'unknown',
  command: (settings) => ({
    argv: ['docker-registry', 'serve', configuration(settings)],
    env: registryEnvironment(settings),
  }),
  fill: async (dataDir, content) => writeContent(dataDir, content),
  garbageCollection: (settings) => ({
    argv: ['docker-registry', 'garbage-collect', '--dry-run', configuration(settings)],
    env: {},
  }),
}

function configuration({ dataDir, port }: Settings): string {
  const file = join(dirname(dataDir), `docker-registry-${port}.yml`)
  writeFileSync(
    file,
    `version: 0.1
storage:
  cache: {blobdescriptor: inmemory}
  filesystem: {rootdirectory: ${JSON.stringify(dataDir)}}
  delete: {enabled: true}
http:
  addr: 127.0.0.1:${port}
  secret: bench
`,
  )
  return file
}
