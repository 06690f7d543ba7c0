import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { withoutInheritedSettings } from '../../test/helpers/own-environment.ts'
import { type MirrorConfigOptions, mirrorConfig } from './mirror-config.ts'

withoutInheritedSettings()
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-mirrors-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const hub = { name: 'docker-hub', type: 'proxy', upstream: { url: 'https://registry-1.docker.io' } }
const gcr = { name: 'gcr', type: 'proxy', upstream: { url: 'https://gcr.io', namespaces: ['k8s.gcr.io'] } }
const images = { name: 'images', type: 'group', members: ['private', 'docker-hub'] }
const both = { name: 'both', type: 'group', members: ['docker-hub', 'gcr'] }
const repositories = [{ name: 'private' }, hub, gcr, images, both]
const address = 'https://hub.example.com:5000'

function run(client: string, settings: object = {}, options: MirrorConfigOptions = { address }) {
  const config = join(folder, 'config.yml')
  const whole = { version: 0.1, auth: 'none', dataDir: folder, repositories, ...settings }
  writeFileSync(config, stringify(whole))
  const [out, err]: [string[], string[]] = [[], []]
  const io = { out: { write: (part: string) => out.push(part) }, err: { write: (part: string) => err.push(part) } }
  return { code: mirrorConfig(client, { config, ...options }, io), out: out.join(''), err: err.join('') }
}

const mirrorsOf = (text: string) => (JSON.parse(text) as { 'registry-mirrors': string[] })['registry-mirrors']

describe('entrepot mirror-config', () => {
  test('gives containerd one file for each registry, with the path of its proxy', () => {
    const { code, out } = run('containerd')
    expect(code).toBe(0)
    const files = [...out.matchAll(/^# \/etc\/containerd\/certs\.d\/(\S+)\/hosts\.toml$/gm)].map((match) => match[1]!)
    expect(files).toEqual(['docker.io', 'gcr.io', 'k8s.gcr.io'])
    expect([...out.matchAll(/^\[host\."(.*)"\]$/gm)].map((match) => match[1]!)).toEqual([
      `${address}/v2/docker-hub`,
      `${address}/v2/gcr`,
      `${address}/v2/gcr`,
    ])
    expect(out).toContain('server = "https://registry-1.docker.io"\n')
    expect(out).not.toContain('ca =')
  })

  test('writes what is before /v2/ for those who can be told, and asks for a connector for the others', () => {
    const settings = { http: { prefix: '/registry/' } }
    expect(run('containerd', settings).out).toContain(`[host."${address}/registry/v2/gcr"]`)
    const { code, err } = run('podman', settings)
    expect(code).toBe(1)
    expect(err).toContain('{ repository: gcr, addr: ":5001" }')
    const connectors = [{ repository: 'gcr', addr: ':5001', plain: true }]
    const { out } = run('podman', { ...settings, connectors })
    expect(out).toContain('location = "hub.example.com:5001"\ninsecure = true\n')
  })

  test('leads docker to the default repository or to a connector, rather to the proxy alone than to a group', () => {
    const connectors = [
      { repository: 'images', addr: ':5001' },
      { repository: 'docker-hub', addr: ':5002' },
      { repository: 'docker-hub', host: 'mirror.example.com' },
    ]
    const mirrors = (settings: object) => mirrorsOf(run('docker', settings).out)
    expect(mirrors({ defaultRepository: 'docker-hub', connectors })).toEqual([address])
    expect(mirrors({ connectors })).toEqual(['http://hub.example.com:5002'])
    expect(mirrors({ connectors: connectors.slice(2) })).toEqual(['https://mirror.example.com:5000'])
    expect(mirrors({ defaultRepository: 'images' })).toEqual([address])
  })

  test('says which lines docker needs when nothing leads to Docker Hub alone', () => {
    const { code, out, err } = run('docker', { defaultRepository: 'both' })
    expect(code).toBe(1)
    expect(out).toBe('')
    expect(err).toContain('connectors:\n  - { repository: docker-hub, addr: ":5001" }')
    expect(run('docker', { repositories: [gcr] }).err).toContain('no proxy repository stands for docker.io')
  })

  test('takes the address of a connector for that of its repository', () => {
    const connectors = [
      { repository: 'images', host: 'hub.example.com' },
      { repository: 'gcr', addr: ':5001' },
      { repository: 'both', addr: ':5002' },
    ]
    expect(run('containerd', { connectors }).out).toContain(`[host."${address}/v2"]`)
    const other = run('podman', { connectors }, { address: 'https://hub.example.com:5001' })
    expect(other.out).toContain('prefix = "gcr.io"')
    expect(other.out).not.toContain('docker.io')
    const group = run('containerd', { connectors }, { address: 'https://hub.example.com:5002' })
    expect(group).toMatchObject({ code: 1, out: '' })
    expect(group.err).toContain('images of another one')
  })

  test('makes lists for k3s and kubespray', () => {
    expect(parse(run('k3s').out).mirrors['docker.io']).toEqual({ endpoint: [`${address}/v2/docker-hub`] })
    const variables = parse(run('kubespray').out) as { containerd_registries_mirrors: { prefix: string }[] }
    expect(variables.containerd_registries_mirrors[1]).toEqual({
      prefix: 'gcr.io',
      server: 'https://gcr.io',
      mirrors: [
        { host: `${address}/v2/gcr`, capabilities: ['pull', 'resolve'], skip_verify: false, override_path: true },
      ],
    } as { prefix: string })
  })

  test('finds the address in the configuration, or says what to write', () => {
    const { code, err } = run('containerd', {}, {})
    expect(code).toBe(2)
    expect(err).toContain('--address https://NAME:PORT')
    expect(run('k3s', { http: { host: 'https://a.example.com' } }, {}).out).toContain('https://a.example.com/v2/gcr')
    expect(run('k3s', { http: { addr: '10.1.2.3:5000' } }, {}).out).toContain('http://10.1.2.3:5000/v2/gcr')
    for (const wrong of ['hub.example.com:5000', 'ftp://x', 'https://me@x', 'https://x?y'])
      expect(run('k3s', {}, { address: wrong }).code).toBe(2)
  })

  test('says that there is nothing to mirror, and whom it knows', () => {
    expect(run('containerd', { repositories: [] })).toMatchObject({ code: 1, out: '' })
    expect(run('rkt').err).toContain('containerd, docker, podman, k3s, kubespray')
    expect(run('toString').code).toBe(2)
    expect(run('docker', {}, { address, ca: join(folder, 'none') }).code).toBe(2)
  })
})

describe('entrepot mirror-config --output', () => {
  test('writes a tree with the CA beside, replaces its own files and nobody else’s', () => {
    const ca = join(folder, 'our-ca.crt')
    writeFileSync(ca, 'PEM\n')
    const output = join(folder, 'etc-containerd')
    const write = (settings?: object) => run('containerd', settings, { address, ca, output })
    expect(write().code).toBe(0)
    const hosts = join(output, 'certs.d/docker.io/hosts.toml')
    expect(readFileSync(hosts, 'utf8')).toContain('  ca = "ca.crt"\n')
    expect(readFileSync(join(output, 'certs.d/docker.io/ca.crt'), 'utf8')).toBe('PEM\n')
    expect(write({ http: { prefix: '/other/' } }).code).toBe(0)
    expect(readFileSync(hosts, 'utf8')).toContain('/other/v2/docker-hub')

    const etc = join(folder, 'etc-docker')
    mkdirSync(etc)
    writeFileSync(join(etc, 'daemon.json'), '{"debug": true}')
    const { code, err } = run('docker', { defaultRepository: 'images' }, { address, ca, output: etc })
    expect(code).toBe(1)
    expect(err).toContain('daemon.json is there and not from here')
    expect(existsSync(join(etc, 'certs.d'))).toBe(false)
  })
})
