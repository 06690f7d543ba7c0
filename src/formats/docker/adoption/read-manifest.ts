import { blobKey } from '../../../content/blob-store.ts'
import { algorithmOf, type Digest, digestOf, isDigest } from '../../../content/digest.ts'
import { AppError } from '../../../errors.ts'
import type { ObjectInfo } from '../../../storage/driver.ts'
import { type ParsedManifest, parseManifest } from '../images/manifest.ts'
import type { Problem } from './report.ts'
import { readLink, readSmall, type Source } from './source.ts'

/** A manifest that can be adopted. */
export interface FoundManifest {
  digest: Digest
  manifest: ParsedManifest
  /** When it was pushed, milliseconds since 1970. */
  createdAt: number
  /** Whether its bytes lie in the blob store under its own digest: then that file is freed with it. */
  hasOwnFile: boolean
}

/** What registry:2 itself accepts at most. */
const maxBytes = 4 * 1024 * 1024

/** `sha256:` and 64 hex digits. */
const usualLinkBytes = 71

/** Reads the manifest that a revision link stands for, or says what is wrong with it. `path` is the digest in the link's path. */
export async function readManifest(
  source: Source,
  path: string,
  link: ObjectInfo,
): Promise<FoundManifest | Omit<Problem, 'image'>> {
  const problem = (kind: Problem['kind'], reason: string) => ({ kind, reference: path, reason })
  if (!isDigest(path)) return problem('link-broken', 'its link is not named after a sha256 or sha512 digest')
  const target = await targetOf(source, path, link)
  if (!target) return problem('link-broken', link.size === 0 ? 'its link is empty' : 'its link holds no digest')
  const bytes = await readSmall(source, blobKey(target), maxBytes)
  if (bytes === 'absent') return problem('manifest-missing', 'its data is not there')
  if (bytes === 'too-large') return problem('manifest-invalid', `its data has more than ${maxBytes} bytes`)
  if (bytes.length === 0) return problem('manifest-missing', 'its data is empty')
  if (digestOf(bytes, algorithmOf(path)) !== path) return problem('manifest-damaged', 'its data has another digest')
  try {
    const manifest = parseManifest(bytes, null)
    return { digest: path, manifest, createdAt: link.modifiedAt.getTime(), hasOwnFile: target === path }
  } catch (error) {
    if (error instanceof AppError) return problem('manifest-invalid', error.message)
    throw error
  }
}

/** A link of the usual size under a sha256 digest can only name that digest; whether the bytes fit it is checked anyway. */
async function targetOf(source: Source, path: Digest, { key, size }: ObjectInfo): Promise<Digest | undefined> {
  if (size === 0) return undefined
  if (size === usualLinkBytes && algorithmOf(path) === 'sha256') return path
  return readLink(source, key)
}
