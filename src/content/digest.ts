import { createHash, type Hash } from 'node:crypto'
import { AppError } from '../errors.ts'

/** A checked digest, `sha256:<64 hex>` or `sha512:<128 hex>`. Made by `parseDigest` only, so it is safe as part of a path. */
export type Digest = string & { readonly checked: 'digest' }

export type DigestAlgorithm = 'sha256' | 'sha512'

const forms: Record<DigestAlgorithm, RegExp> = {
  sha256: /^sha256:[a-f0-9]{64}$/,
  sha512: /^sha512:[a-f0-9]{128}$/,
}

/** Throws `digest-invalid` when the text is no digest, or one of an algorithm we do not know. Image-spec, descriptor.md, "Digests". */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new AppError('digest-invalid', 'not a digest: expected sha256:<64 lower-case hex digits> or sha512:<128>', {
    detail: { digest: text.slice(0, 200) },
  })
}

export function isDigest(text: string): text is Digest {
  return forms.sha256.test(text) || forms.sha512.test(text)
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(':')) as DigestAlgorithm
}

export function isAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(forms, text)
}

/** Collects bytes and says their digest at the end. */
export function createHasher(algorithm: DigestAlgorithm): { hash: Hash; digest(): Digest } {
  const hash = createHash(algorithm)
  return { hash, digest: () => `${algorithm}:${hash.digest('hex')}` as Digest }
}

export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest
}
