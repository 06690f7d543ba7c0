import { afterEach, beforeEach, expect, test } from 'bun:test'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { editHtpasswd } from './htpasswd-edit.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'entrepot-edit-'))
  file = join(folder, 'htpasswd')
})
afterEach(() => fs.rmSync(folder, { recursive: true }))

test('says what it did', async () => {
  expect(await editHtpasswd(file, () => 'a:1\n')).toBe('created')
  expect(await editHtpasswd(file, (text) => `${text}b:2\n`)).toBe('changed')
  expect(await editHtpasswd(file, (text) => text)).toBe('unchanged')
  expect(await editHtpasswd(file, () => undefined)).toBe('unchanged')
  expect(fs.readFileSync(file, 'utf8')).toBe('a:1\nb:2\n')
})

test('names a lock that was left behind, and leaves file and lock alone', async () => {
  fs.writeFileSync(file, 'a:1\n')
  fs.writeFileSync(`${file}.lock`, '')
  await expect(editHtpasswd(file, () => 'b:2\n', 50)).rejects.toThrow(
    expect.objectContaining({ code: 'unavailable', message: expect.stringContaining(`${file}.lock exists`) }),
  )
  expect(fs.readFileSync(file, 'utf8')).toBe('a:1\n')
  expect(fs.existsSync(`${file}.lock`)).toBe(true)
})

test('leaves no lock and no other trace when the change fails', async () => {
  fs.writeFileSync(file, 'a:1\n')
  const change = () => {
    throw new Error('no')
  }
  await expect(editHtpasswd(file, change)).rejects.toThrow('no')
  expect(fs.readdirSync(folder)).toEqual(['htpasswd'])
})
