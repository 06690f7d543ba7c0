import { expect, test } from 'bun:test'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openOras } from '../clients/oras.ts'
import { describeClient, testMs } from './client-flow.ts'

await describeClient('oras', openOras, { keepsManifests: true }, ({ client, name, registry }) => {
  const { tool } = client

  test(
    'pushes files as an artifact and pulls the same bytes',
    async () => {
      writeFileSync(join(tool.folder, 'notes.txt'), 'to whom it may concern')
      await tool.run(
        'push',
        '--plain-http',
        '--artifact-type',
        'application/x.notes',
        name('artifacts/notes:v1'),
        'notes.txt',
      )
      const folder = join(tool.folder, 'files')
      mkdirSync(folder)
      await tool.run('pull', '--plain-http', '-o', folder, name('artifacts/notes:v1'))
      expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('to whom it may concern')
    },
    testMs,
  )

  test(
    'attaches a report to an image and discovers it',
    async () => {
      writeFileSync(join(tool.folder, 'report.json'), '{}')
      const subject = name('flow/two:v1')
      await tool.run('attach', '--plain-http', '--artifact-type', 'application/x.report', subject, 'report.json')
      const found = await tool.run('discover', '--plain-http', '--format', 'json', subject)
      expect(found).toContain('application/x.report')
    },
    testMs,
  )

  test(
    'copies an image with all that refers to it',
    async () => {
      const flags = ['--no-tty', '--recursive', '--from-plain-http', '--to-plain-http']
      await tool.run('cp', ...flags, name('flow/two:v1'), name('referred/copy:v1'))
      const found = await tool.run('discover', '--plain-http', '--format', 'json', name('referred/copy:v1'))
      expect(found).toContain('application/x.report')
      expect(await registry.tags('referred/copy')).toContain('v1')
    },
    testMs,
  )
})
