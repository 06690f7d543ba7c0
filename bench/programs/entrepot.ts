import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Registry, Settings } from '../harness/program.ts'
import { pushContent } from './push-content.ts'
import { registryEnvironment } from './registry-environment.ts'

const root = join(import.meta.dir, '../..')

/** `BENCH_ENTREPOT` may name another executable, such as the single-file one. */
const entrepotCommand = process.env.BENCH_ENTREPOT ?? join(root, 'bin/entrepot')

/** This project, started through its public contract. */
export const entrepot: Registry = {
  name: 'Entrepot',
  readyPath: '/readyz',
  durability:
    'Entrepot answers a push once the bytes, their name in the folder and the database transaction are on disk ' +
    '(fdatasync, rename, fsync of the folder, SQLite with synchronous=FULL).',
  durableOnceAnswered: true,
  pagesTags: true,
  version: async () => (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version,
  command: (settings) => ({ argv: [entrepotCommand, 'serve'], env: environment(settings) }),
  fill: async (_dataDir, content, serve) => pushContent(await serve(), content),
  group(upstreams) {
    const proxies = upstreams.map((url, index) => ({ NAME: `far-${index}`, TYPE: 'proxy', UPSTREAM_URL: url }))
    const members = ['own', ...proxies.map(({ NAME }) => NAME)]
    const group = {
      NAME: 'all',
      TYPE: 'group',
      ...variables(
        'MEMBERS',
        members.map((name) => ({ REPOSITORY: name })),
      ),
    }
    const repositories = [{ NAME: 'own', TYPE: 'hosted' }, ...proxies, group]
    return {
      repository: 'own',
      group: 'all',
      variables: { ...variables('ENTREPOT_REPOSITORIES', repositories), ENTREPOT_DEFAULTREPOSITORY: 'own' },
    }
  },
  garbageCollection: (settings) => ({
    argv: [entrepotCommand, 'gc', '--dry-run', '--json'],
    env: environment(settings),
  }),
}

/** A list of settings as variables: `<prefix>_0_NAME`. */
function variables(prefix: string, items: readonly Record<string, string>[]): Record<string, string> {
  return Object.fromEntries(
    items.flatMap((item, index) => Object.entries(item).map(([key, value]) => [`${prefix}_${index}_${key}`, value])),
  )
}

function environment(settings: Settings): Record<string, string> {
  return {
    ENTREPOT_HTTP_ADDR: `127.0.0.1:${settings.port}`,
    ENTREPOT_DATADIR: settings.dataDir,
    ...(settings.htpasswd === undefined && { REGISTRY_AUTH: 'none' }),
    ...registryEnvironment(settings),
  }
}
