import { afterAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { createCertificate } from '../../src/commands/cert.ts'
import { makeImage } from '../helpers/oci.ts'
import { attempt, freePort, run, startDaemon, temporaryFolder, waitFor } from '../helpers/process.ts'
import { expectStatus, registryClient } from '../helpers/registry-client.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { startServer } from '../helpers/server.ts'
import { installPackages, whyNoPackages } from '../services/packages.ts'
import { portAnswers } from '../services/ports.ts'

const root = resolve(import.meta.dir, '../..')
const folder = temporaryFolder('deploy')
const file = (name: string) => readFileSync(join(root, 'deploy', name), 'utf8')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const reason = whyNoPackages()
const proxied = reason ? ` (skipped: ${reason})` : ''
await createCertificate({ names: ['localhost'], out: join(folder, 'certs') }, { out: () => {}, err: () => {} })
const pair = ['server.crt', 'server.key'].map((name) => readFileSync(join(folder, 'certs', name), 'utf8'))
writeFileSync(join(folder, 'certs/pair.pem'), pair.join(''))

/** An example with its names and ports replaced by ones that exist here; throws when one is not in it. */
function adapt(text: string, replacements: [from: string, to: string][]): string {
  return replacements.reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`the example does not say ${from}`)
    return changed.replaceAll(from, to)
  }, text)
}

async function pushThrough(port: number): Promise<void> {
  const client = registryClient({ url: `https://localhost:${port}` })
  // More than any default limit on a body.
  const image = makeImage('deploy', { layers: 1, layerSize: 5_000_000 })
  await client.pushImage('team/app', image, '1.0')
  await client.verifyImage('team/app', image, '1.0')
  await expectStatus(await client.request('GET', '/readyz'), 200)
}

describe('the examples in deploy/', () => {
  test.skipIf(reason !== undefined)(
    `nginx.conf takes an image${proxied}`,
    async () => {
      await installPackages('nginx-light')
      await using server = await startServer()
      const port = await freePort()
      const site = adapt(file('nginx.conf'), [
        ['  listen [::]:443 ssl;\n', ''],
        ['443', `127.0.0.1:${port}`],
        ['127.0.0.1:5000', server.host],
        ['/etc/nginx/certs/hub.example.com.crt', join(folder, 'certs/server.crt')],
        ['/etc/nginx/certs/hub.example.com.key', join(folder, 'certs/server.key')],
      ])
      const work = join(folder, 'nginx')
      mkdirSync(work)
      const user = process.getuid?.() === 0 ? 'user root;' : ''
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${work}/${name};`,
      )
      writeFileSync(
        join(work, 'nginx.conf'),
        `daemon off; ${user} pid ${work}/pid; error_log ${work}/error.log; events {}
http { access_log off; ${temporary.join(' ')}\n${site}\n}`,
      )
      const command = ['nginx', '-e', join(work, 'error.log'), '-p', work, '-c', join(work, 'nginx.conf')]
      await run([...command, '-t', '-q'])
      const nginx = startDaemon(command, { logFile: join(work, 'log') })
      try {
        await waitFor('nginx', () => portAnswers(port))
        await pushThrough(port)
      } finally {
        await nginx.stop()
      }
    },
    60_000,
  )

  test.skipIf(reason !== undefined)(
    `haproxy.cfg takes an image${proxied}`,
    async () => {
      await installPackages('haproxy')
      await using server = await startServer()
      const port = await freePort()
      const config = join(folder, 'haproxy.cfg')
      writeFileSync(
        config,
        adapt(file('haproxy.cfg'), [
          ['bind :443', `bind 127.0.0.1:${port}`],
          ['127.0.0.1:5000', server.host],
          ['/etc/haproxy/certs/hub.example.com.pem', join(folder, 'certs/pair.pem')],
        ]),
      )
      await run(['haproxy', '-c', '-q', '-f', config])
      const haproxy = startDaemon(['haproxy', '-db', '-f', config], { logFile: join(folder, 'haproxy.log') })
      try {
        await waitFor('haproxy', () => portAnswers(port))
        await pushThrough(port)
      } finally {
        await haproxy.stop()
      }
    },
    60_000,
  )

  const systemd = Bun.which('systemd-analyze')
  test.skipIf(!systemd)(
    `entrepot.service is a unit that systemd understands${systemd ? '' : ' (skipped: no systemd-analyze)'}`,
    async () => {
      const unit = join(folder, 'entrepot.service')
      // The program need not be installed where this runs.
      writeFileSync(
        unit,
        adapt(file('entrepot.service'), [['ExecStart=/usr/local/bin/entrepot', 'ExecStart=/bin/true']]),
      )
      expect(await attempt([systemd!, 'verify', '--man=no', unit])).toEqual({ code: 0, stdout: '', stderr: '' })
    },
  )

  test('container.yml keeps everything on the volume', async () => {
    const command = [join(root, 'bin/entrepot'), 'check-config', '--config', join(root, 'deploy/container.yml')]
    const config = parse(await run(command, { env: cleanEnvironment() }))
    expect(config).toMatchObject({
      dataDir: '/var/lib/registry/entrepot',
      database: 'sqlite:/var/lib/registry/entrepot/entrepot.db',
      storage: { filesystem: { rootdirectory: '/var/lib/registry' } },
    })
  })

  test('the image gets every file that its Dockerfile copies, and no other', () => {
    const ignored = file('Dockerfile.dockerignore').split('\n')
    const copied = [...file('Dockerfile').matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap((match) => match[1]!.split(' '))
    const admitted = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
    expect(copied.sort()).toEqual(admitted.sort())
    for (const path of copied) expect(existsSync(join(root, path))).toBe(true)
  })

  test('compose.yaml stops later than requests may run', () => {
    const { services } = parse(file('compose.yaml')) as { services: Record<string, { stop_grace_period: string }> }
    expect(Number.parseInt(services['entrepot']!.stop_grace_period, 10)).toBeGreaterThan(30)
  })
})
