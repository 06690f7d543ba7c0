/** Bytes in order, pulled by the consumer. Chunks may be of any size, also empty. A chunk is valid until the next is asked for. */
export type ByteStream = AsyncIterable<Uint8Array>

/** A key is a relative path of safe segments, `docker/registry/v2/blobs/sha256/ab/abcd.../data`. Never starts with `/`, has no `..`. */
export type Key = string

/** Names one staged upload: lower-case letters, digits and dashes, at most 64 characters. Made by the caller. */
export type UploadId = string

export interface ObjectInfo {
  key: Key
  /** Bytes. */
  size: number
  modifiedAt: Date
}

/** First and last byte, both inclusive, both inside the object. */
export interface ByteRange {
  first: number
  last: number
}

export interface StagedUpload {
  id: UploadId
  /** Bytes. */
  size: number
  /** When bytes last arrived. */
  modifiedAt: Date
}

/** How many bytes a driver may hold back in buffers while it appends, besides the chunk it was given last. */
export const stagingLagBytes = 1 << 20

export interface CallOptions {
  signal?: AbortSignal
}

/**
 * Bytes in some place. Callers choose the keys; a driver never interprets them. Safe for concurrent use by several instances,
 * except that one upload id is written by one caller at a time (the caller sees to it).
 *
 * What is absent is `undefined`. Trouble is an `AppError`: `storage-full` when there is no room, `unavailable` when the place cannot be
 * reached; always with the original error as its cause.
 *
 * Uploads are staged apart from objects, so that nothing half-written is ever under a key. The contract fits a multipart store as well as a
 * file: see decisions/005-storage-contract.md.
 */
export interface StorageDriver {
  /** What kind of place this is and where, for logs and error messages: `filesystem /var/lib/registry`. No secrets. */
  readonly description: string

  stat(key: Key, options?: CallOptions): Promise<ObjectInfo | undefined>
  /** The stream rejects rather than end early if bytes are missing. */
  read(key: Key, range?: ByteRange, options?: CallOptions): Promise<ByteStream | undefined>
  /** Replaces atomically: readers see the old object or the new one. Durable once resolved; a stream that fails leaves the old object. */
  write(key: Key, bytes: ByteStream, options?: CallOptions): Promise<ObjectInfo>
  /** Succeeds when absent. */
  remove(key: Key): Promise<void>
  /** Every object whose key starts with `prefix`, in any order; may miss objects written during the walk. */
  list(prefix: string, options?: CallOptions): AsyncIterable<ObjectInfo>

  /** Bytes staged so far, undefined for an unknown upload. */
  stagedSize(upload: UploadId): Promise<number | undefined>
  /**
   * Adds `bytes` after the first `offset` staged ones and returns the new size. The first append (offset 0) creates the upload.
   * `offset` is the staged size, the offset that the latest append began at, or 0: what was staged beyond it is dropped (this is
   * how a broken request is rolled back). When the stream fails, the bytes that arrived stay staged and the error is passed on. When the place
   * itself fails, what is staged is not known: ask `stagedSize`, which may say that the upload is gone.
   * `lasting`: chunks stay as they are after the next is asked for, and need no copy.
   * Throws `range-invalid` when `offset` is beyond what is staged (its detail has the staged `size`), `upload-unknown` when nothing is and `offset` is not 0.
   */
  append(
    upload: UploadId,
    offset: number,
    bytes: ByteStream,
    options?: CallOptions & { lasting?: boolean },
  ): Promise<number>
  /**
   * The staged bytes from `offset` (default 0) on, up to what is staged at the moment of the call. Undefined for an unknown upload. May be called
   * while an `append` runs: of the bytes that the append has asked its stream for, all but the last `stagingLagBytes` are there.
   */
  readStaged(upload: UploadId, options?: CallOptions & { offset?: number }): Promise<ByteStream | undefined>
  /** Makes the staged bytes the object `key`, replacing what was there; durable once resolved. Throws `upload-unknown` for an unknown upload. */
  commit(upload: UploadId, key: Key): Promise<void>
  /** Succeeds when absent. */
  discard(upload: UploadId): Promise<void>
  /** Every staged upload, for the sweep; also what a `write` has not finished, or left behind in a crash: judge by age. */
  staged(): AsyncIterable<StagedUpload>

  /** Resolves when the place can be read and written just now; throws `unavailable`, or `storage-full` when only room is missing, otherwise. Cheap enough for a probe every few seconds. */
  check(): Promise<void>
  close(): Promise<void>

  /** A URL that the client may fetch itself. Absent when the place cannot make one. */
  presign?(key: Key, ttlSeconds: number): Promise<string>
  /** Path of a local file that the HTTP layer may send directly. Absent when objects are not files here. */
  localFile?(key: Key): string
}
