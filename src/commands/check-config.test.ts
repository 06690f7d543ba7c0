import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../config/load.ts'
import { checkConfig } from './check-config.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-check-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function run(text: string | undefined, env: Record<string, string> = {}) {
  const config = text === undefined ? undefined : join(folder, 'config.yml')
  if (config && text !== undefined) writeFileSync(config, text)
  const out: string[] = []
  const err: string[] = []
  const code = checkConfig({ config }, { env, out: (part) => out.push(part), err: (part) => err.push(part) })
  return { code, out: out.join(''), err: err.join('') }
}

const full = `
dataDir: /d
database: postgres://me:hunter2@db:5432/entrepot
auth: none
http: {secret: hunter2, idleTimeout: 90s, headers: {X-A: [b]}}
blobStores: {fast: inmemory}
repositories: [{name: team, blobStore: fast}]
`

describe('entrepot check-config', () => {
  test('prints the configuration with the source of each value that is not a default', () => {
    const { code, out, err } = run(full, {
      REGISTRY_HTTP_ADDR: ':1',
      ENTREPOT_HTTP_TRUSTEDPROXIES: '[10.0.0.1]',
      ENTREPOT_TAGS_MAXTAGS: '5',
    })
    expect(code).toBe(0)
    const file = join(folder, 'config.yml')
    expect(out).toContain('  addr: :1 # from REGISTRY_HTTP_ADDR\n')
    expect(out).toContain('    - 10.0.0.1 # from ENTREPOT_HTTP_TRUSTEDPROXIES\n')
    expect(out).toContain('  maxtags: 5 # from ENTREPOT_TAGS_MAXTAGS\n')
    expect(out).toContain(`  idleTimeout: 90s # from ${file} line 5\n`)
    expect(out).toContain(`  - name: team # from ${file} line 7\n`)
    expect(out).toContain(`  # from ${file} line 4\n  none: {}\n`)
    expect(out).toContain('  draintimeout: 30s\n')
    expect(err).toContain('warning: auth')
  })

  test('shows no secret', () => {
    const { out, err } = run(full)
    expect(out + err).not.toContain('hunter2')
    expect(out).toContain('secret: "***"')
    expect(out).toContain('postgres://***@db:5432/entrepot')
  })

  test('what it prints means the same when read back', () => {
    const text = full.replaceAll('me:hunter2@', '').replaceAll('hunter2', '"***"')
    const { out } = run(text)
    const load = (yaml: string) => loadConfig({ text: yaml, env: {}, cwd: process.cwd() }).config
    expect(load(out)).toEqual(load(text))
    expect(load(run(undefined).out).http).toEqual(load('').http)
  })

  test('prints every problem with value, reason and fix, and returns 2', () => {
    const { code, out, err } = run('http: {addr: "5000"}\nredis: {addr: x}\nproxi: {password: hunter2}', {
      ENTREPOT_DATA_DIR: '/d',
    })
    expect(code).toBe(2)
    expect(out).toBe('')
    const file = join(folder, 'config.yml')
    expect(err).toContain(
      `problem: http.addr is not an address\n  where: ${file} line 1\n  value: 5000\n  fix:   write host:port`,
    )
    expect(err).toContain(`problem: proxi is no setting\n  where: ${file} line 3\n  fix:   `)
    expect(err).toContain('problem: ENTREPOT_DATA_DIR is no setting\n  fix:   did you mean ENTREPOT_DATADIR?')
    expect(err).toContain('warning: redis')
    expect(err).toContain('3 problems found')
    expect(err).not.toContain('hunter2')
  })
})
