import { type Digest, isDigest, parseDigest } from '../../../content/digest.ts'
import { AppError } from '../../../errors.ts'

/** distribution-spec, "Pulling manifests": `<name>` and `<tag>`. */
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const namePattern = new RegExp(`^${component}(?:/${component})*$`)
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

/** Clients allow 255 characters for host and name together. */
const maxNameLength = 255

export function isImageName(name: string): boolean {
  return name.length <= maxNameLength && namePattern.test(name)
}

/** Throws `name-invalid`, saying what a name may look like. */
export function checkImageName(name: string): void {
  if (isImageName(name)) return
  throw new AppError(
    'name-invalid',
    'not an image name: lower-case letters and digits, separated by ".", "_", "__", "-" or "/", at most 255 characters',
    { detail: { name: name.slice(0, 300) } },
  )
}

export function isTag(text: string): boolean {
  return tagPattern.test(text)
}

/** Throws `tag-invalid`. */
export function parseTag(text: string): string {
  if (isTag(text)) return text
  throw new AppError(
    'tag-invalid',
    'not a tag: letters, digits, "_", "." and "-", at most 128, not starting with "." or "-"',
    {
      detail: { tag: text.slice(0, 200) },
    },
  )
}

/** What stands after `/manifests/`. */
export type Reference = { digest: Digest; tag?: undefined } | { tag: string; digest?: undefined }

/** A reference with a colon is a digest or wrong, never a tag. Throws `digest-invalid` or `tag-invalid`. */
export function parseReference(text: string): Reference {
  if (isDigest(text)) return { digest: text }
  return text.includes(':') ? { digest: parseDigest(text) } : { tag: parseTag(text) }
}
