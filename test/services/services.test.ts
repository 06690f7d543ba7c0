import { expect, test } from 'bun:test'
import pg from 'pg'
import { run, Unavailable } from '../helpers/process.ts'
import { startContainerd } from './containerd.ts'
import { openContainersTool } from './containers.ts'
import { startDocker } from './docker.ts'
import { startDockerRegistry } from './docker-registry.ts'
import { startHaproxy } from './haproxy.ts'
import { startNginx, startNginxPassthrough } from './nginx.ts'
import { groups, reader, startOpenldap } from './openldap.ts'
import { startPostgres } from './postgres.ts'

const minutes = 60_000

/** Starts a service, uses it and stops it; skipped where it cannot be had. */
async function service<T>(name: string, start: () => Promise<T>, use: (started: T) => Promise<void>): Promise<void> {
  try {
    const started = await start()
    test(`${name} starts, answers and stops`, () => use(started), 2 * minutes)
  } catch (error) {
    if (error instanceof Unavailable) test.skip(`${name}: ${error.message}`, () => {})
    else
      test(`${name} starts, answers and stops`, () => {
        throw error
      })
  }
}

await service('docker', startDocker, async (docker) => {
  expect(await docker.docker('info', '--format', '{{.Driver}}')).toBe('vfs\n')
  await docker.stop()
})

await service('containerd', startContainerd, async (containerd) => {
  expect(await containerd.ctr('images', 'ls', '-q')).toBe('')
  await containerd.stop()
})

for (const program of ['podman', 'buildah', 'skopeo'] as const) {
  await service(
    program,
    () => openContainersTool(program),
    async (tool) => {
      expect(await tool.run('--version')).toContain(program)
      await tool.close()
    },
  )
}

await service('OpenLDAP', startOpenldap, async (openldap) => {
  const as = ['-x', '-LLL', '-H', openldap.url, '-D', reader.bindDn, '-w', reader.bindPassword]
  const found = await run(['/usr/bin/ldapsearch', ...as, '-b', groups, '(memberUid=carol)', 'cn'])
  expect(found).toContain('cn: ops')
  await openldap.stop()
})

await service('PostgreSQL', startPostgres, async (postgres) => {
  const client = new pg.Client(await postgres.createDatabase('second'))
  await client.connect()
  expect((await client.query('SELECT current_database() AS name')).rows).toEqual([{ name: 'second' }])
  await client.end()
  await postgres.stop()
})

await service(
  'docker-registry behind nginx and haproxy',
  () => startDockerRegistry(),
  async (registry) => {
    const proxies = [
      await startNginx({ upstream: registry.host }),
      await startHaproxy({ upstreams: [registry.host], mode: 'http' }),
      await startHaproxy({ upstreams: [registry.host], mode: 'tcp' }),
      await startNginxPassthrough(registry.host),
    ]
    for (const { port } of proxies) expect((await fetch(`http://127.0.0.1:${port}/v2/`)).status).toBe(200)
    for (const proxy of proxies) await proxy.stop()
    await registry.stop()
  },
)
