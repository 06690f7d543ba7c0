import type { Action } from '../../../access/decide.ts'
import { deleteBlob, getBlob } from './blobs.ts'
import type { Call, ImageCall } from './call.ts'
import { listCatalog } from './catalog.ts'
import { deleteManifest, getManifest, putManifest } from './manifests.ts'
import { ping } from './ping.ts'
import { listReferrers } from './referrers.ts'
import { listTags } from './tags.ts'
import { appendUpload, cancelUpload, finishUpload, getUpload, startUpload } from './uploads.ts'

/** What stands at the end of a path about an image. */
export type Resource = 'blob' | 'uploads' | 'upload' | 'manifest' | 'tags' | 'referrers'

export interface Route<C> {
  /** The name in distribution-spec, "Endpoints", or Docker's own. */
  spec: string
  action: Action
  /** Whether bytes may take as long as they keep moving. */
  unhurried?: boolean
  handle: (call: C) => Response | Promise<Response>
}

/** Routes that are about no image. HEAD is answered as GET without its body. */
export const routes: Record<string, Record<string, Route<Call>>> = {
  '/v2/': { GET: { spec: 'end-1', action: 'enter', handle: ping } },
  '/v2': { GET: { spec: 'end-1', action: 'enter', handle: ping } },
  '/v2/_catalog': { GET: { spec: 'catalog', action: 'list', handle: listCatalog } },
}

/** Routes about an image: `/v2/<name>/...`. A route without an action cannot be written. */
export const imageRoutes: Record<Resource, Record<string, Route<ImageCall>>> = {
  blob: {
    GET: { spec: 'end-2', action: 'pull', unhurried: true, handle: getBlob },
    HEAD: { spec: 'end-2', action: 'pull', handle: getBlob },
    DELETE: { spec: 'end-10', action: 'delete', handle: deleteBlob },
  },
  manifest: {
    GET: { spec: 'end-3', action: 'pull', handle: getManifest },
    HEAD: { spec: 'end-3', action: 'pull', handle: getManifest },
    PUT: { spec: 'end-7', action: 'push', handle: putManifest },
    DELETE: { spec: 'end-9', action: 'delete', handle: deleteManifest },
  },
  uploads: {
    POST: { spec: 'end-4', action: 'push', unhurried: true, handle: startUpload },
  },
  upload: {
    PATCH: { spec: 'end-5', action: 'push', unhurried: true, handle: appendUpload },
    PUT: { spec: 'end-6', action: 'push', unhurried: true, handle: finishUpload },
    GET: { spec: 'end-13', action: 'push', handle: getUpload },
    DELETE: { spec: 'end-14', action: 'push', handle: cancelUpload },
  },
  tags: { GET: { spec: 'end-8', action: 'pull', handle: listTags } },
  referrers: { GET: { spec: 'end-12', action: 'pull', handle: listReferrers } },
}

export interface ImagePath {
  name: string
  resource: Resource
  /** Decoded. */
  reference: string
}

/**
 * Takes a path apart from its end: a name may itself contain `blobs`, `manifests` or `v2`, so the last marker counts.
 * Undefined: no path of this protocol.
 */
export function parseImagePath(path: string): ImagePath | undefined {
  if (!path.startsWith('/v2/')) return undefined
  const slash = path.lastIndexOf('/')
  const last = decode(path.slice(slash + 1))
  const head = decode(path.slice(4, slash))
  const about = (resource: Resource, marker: string) => ({
    name: head.slice(0, -marker.length),
    resource,
    reference: last,
  })
  if (head.endsWith('/manifests') && last) return about('manifest', '/manifests')
  if (head.endsWith('/blobs/uploads')) return about(last ? 'upload' : 'uploads', '/blobs/uploads')
  if (head.endsWith('/blobs') && last) return about(last === 'uploads' ? 'uploads' : 'blob', '/blobs')
  if (head.endsWith('/tags') && last === 'list') return about('tags', '/tags')
  if (head.endsWith('/referrers') && last) return about('referrers', '/referrers')
  return undefined
}

function decode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    // Not an encoding: taken as written, and refused by whoever checks names.
    return text
  }
}
