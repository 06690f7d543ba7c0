import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { openApp } from '../src/app.ts'
import { loadConfig } from '../src/config/load.ts'
import { createLog } from '../src/telemetry/log.ts'
import { fakeIncoming } from '../test/helpers/fake-incoming.ts'
import { type Document, typesOf } from './openapi-types.ts'

/**
 * Writes src/web/api/operations.ts: the REST API as the web page sees it, as types, made of the OpenAPI document that a server answers.
 * A test of the rules fails when the file is not what this makes of it.
 */
const root = resolve(import.meta.dirname, '..')
export const apiTypesPath = join(root, 'src/web/api/operations.ts')

/** The text of that file. */
export async function apiTypes(): Promise<string> {
  const text = typesOf(await openApiDocument())
  const biome = join(root, 'node_modules/.bin/biome')
  const child = Bun.spawn([biome, 'format', `--stdin-file-path=${apiTypesPath}`], {
    cwd: root,
    stdin: new Blob([text]),
    stdout: 'pipe',
  })
  const formatted = await new Response(child.stdout).text()
  if ((await child.exited) !== 0) throw new Error('the formatter refused the types of the API')
  return formatted
}

/** Of a server that has everything switched on which adds to its API. */
async function openApiDocument(): Promise<Document> {
  const dataDir = mkdtempSync(join(tmpdir(), 'entrepot-api-types-'))
  const settings = {
    version: 0.1,
    dataDir,
    storage: { inmemory: {} },
    auth: { none: {} },
    log: { accesslog: { disabled: true } },
  }
  const { config } = loadConfig({ text: JSON.stringify(settings), file: 'types.yml', env: {}, cwd: dataDir })
  const app = await openApp(config, createLog({ level: 'error', formatter: 'text' }))
  try {
    const answer = await app.handler(fakeIncoming('GET', '/api/v1/openapi.json'))
    return (await answer.json()) as Document
  } finally {
    await app.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

if (import.meta.main) writeFileSync(apiTypesPath, await apiTypes())
