import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { isObject, type Json, type JsonObject, mergeForm } from '../config/form.ts'
import { AppError } from '../errors.ts'
import type { CommandIo } from './io.ts'

/** How settings of a repository are given on the command line. Later ones win: file, then the rest. */
export interface FormOptions {
  /** A YAML or JSON file with one repository in the words of the configuration file; `-` is standard input. */
  from?: string | undefined
  type?: string | undefined
  /** `upstream.url=https://...`, `members=[private, docker-hub]` */
  set?: string[] | undefined
  /** `quota.bytes`: back to its default. */
  unset?: string[] | undefined
  /** Reads `upstream.password` from standard input. */
  passwordStdin?: boolean | undefined
}

/** The settings that the options say; null is "back to its default". Throws `request-invalid` with what cannot be read. */
export async function formFrom(options: FormOptions, io: Pick<CommandIo, 'stdin'>): Promise<JsonObject> {
  const { from, type, set = [], unset = [], passwordStdin } = options
  if (from === '-' && passwordStdin)
    throw new AppError('request-invalid', '--from - and --password-stdin both read standard input: name a file')
  let form: JsonObject = from === undefined ? {} : await readForm(from, io)
  if (type !== undefined) form = { ...form, type }
  for (const text of set) form = mergeForm(form, assignment(text))
  for (const key of unset) form = withNull(form, key.split('.'))
  if (passwordStdin) form = mergeForm(form, { upstream: { password: (await textOf(io.stdin)).replace(/\r?\n$/, '') } })
  return form
}

async function readForm(file: string, io: Pick<CommandIo, 'stdin'>): Promise<JsonObject> {
  try {
    const form = parse(file === '-' ? await textOf(io.stdin) : readFileSync(file, 'utf8'))
    if (isObject(form)) return form
  } catch (cause) {
    throw new AppError('request-invalid', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
  throw new AppError('request-invalid', `${file} is not one repository: write its keys, as type: proxy and upstream:`)
}

/** Lists and sections are written as YAML has them on one line; everything else is taken as it stands. */
function assignment(text: string): JsonObject {
  const [, key, value = ''] = /^([A-Za-z.]+)=(.*)$/s.exec(text) ?? []
  if (key === undefined)
    throw new AppError('request-invalid', `--set ${text}: write KEY=VALUE, for example --set quota.bytes=100GB`)
  return nested(key.split('.'), /^[[{]/.test(value) ? listOf(key, value) : value)
}

function listOf(key: string, value: string): Json {
  try {
    return parse(value) as Json
  } catch (cause) {
    throw new AppError('request-invalid', `--set ${key}: ${(cause as Error).message}`, { cause })
  }
}

function nested([key = '', ...rest]: string[], value: Json): JsonObject {
  return { [key]: rest.length === 0 ? value : nested(rest, value) }
}

/** `mergeForm` would take a null as an order; here it is kept, as an order for the service. */
function withNull(form: JsonObject, [key = '', ...rest]: string[]): JsonObject {
  const inner = form[key]
  return { ...form, [key]: rest.length === 0 ? null : withNull(isObject(inner) ? inner : {}, rest) }
}

async function textOf(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stdin) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
