/** Whether a manifest only names others, one for each platform. */
export function isIndex(mediaType: string): boolean {
  return /image\.index\.v1|manifest\.list\.v2/.test(mediaType)
}
