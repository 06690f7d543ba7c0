import type { Digest } from '../../../content/digest.ts'
import type { ReferrerRow } from '../../../database/manifests.ts'
import type { Page, Referrer, ReferrersPage } from './image-source.ts'

/** A page ends early when its descriptors get large: clients read at most 4 MiB. */
const maxPageBytes = 3_500_000

/** The tag under which clients list referrers on registries without the API: distribution-spec, "Referrers Tag Schema". */
export function fallbackTag(subject: Digest): string {
  const [algorithm, encoded] = subject.split(':') as [string, string]
  return `${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`
}

export function fromRow(row: ReferrerRow): Referrer {
  return {
    mediaType: row.mediaType,
    size: row.size,
    digest: row.digest,
    ...(row.artifactType === null ? {} : { artifactType: row.artifactType }),
    ...(row.annotations === null ? {} : { annotations: JSON.parse(row.annotations) }),
  }
}

/** The descriptors of a fallback index; nothing when the tag holds something else. */
export function fromFallbackIndex(content: Uint8Array): Referrer[] {
  const document = JSON.parse(new TextDecoder().decode(content)) as { manifests?: Referrer[] }
  return document.manifests ?? []
}

/** Merges both kinds by digest and cuts the page. */
export function mergeReferrers(
  stored: Referrer[],
  fallback: Referrer[],
  { last, limit }: Page,
  artifactTypes: string[],
): ReferrersPage {
  const wanted = fallback.filter(
    ({ digest, artifactType }) =>
      digest > last && (artifactTypes.length === 0 || artifactTypes.includes(artifactType ?? '')),
  )
  const byDigest = new Map([...wanted, ...stored].map((referrer) => [referrer.digest, referrer]))
  const sorted = [...byDigest.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1))
  const referrers: Referrer[] = []
  let bytes = 0
  for (const referrer of sorted.slice(0, limit)) {
    bytes += JSON.stringify(referrer).length
    if (referrers.length > 0 && bytes > maxPageBytes) break
    referrers.push(referrer)
  }
  return { referrers, more: referrers.length < sorted.length }
}
