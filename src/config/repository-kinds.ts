import { resolve } from 'node:path'
import { kind, Wrong } from './kinds.ts'

/** Tags of an image: `latest`, `*-dev`, `nightly-*`. */
export const tagPattern = kind<string>('tag pattern', (given) =>
  /^[\w*][\w.*-]{0,127}$/.test(given)
    ? given
    : new Wrong('is no pattern of tags', 'write a tag, with * for any part of it: latest, *-dev'),
)

/** Authorities to trust: the absolute path of a PEM file, or the PEM text itself. */
export const authorities = kind<string>('path or PEM text', (given, cwd) =>
  isPem(given) ? given : resolve(cwd, given),
)

/** Whether a value of `authorities` is the text and not a path. */
export function isPem(text: string): boolean {
  return text.includes('-----BEGIN ')
}

/** Keys of 256 bits, in hexadecimal or base64, the one to seal with first. */
export const sealingKeys = kind<string>(
  'keys',
  (given) =>
    given.split(',').every((one) => Buffer.from(one.trim(), one.trim().length === 64 ? 'hex' : 'base64').length === 32)
      ? given
      : new Wrong('is no key of 32 bytes', 'write what `openssl rand -hex 32` prints; several with commas between'),
  { show: () => '***', mask: () => '***' },
)
