import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { Database } from '../../database/database.ts'
import {
  deleteSigningKeys,
  insertSigningKey,
  listSigningKeys,
  type SigningKeyRow,
} from '../../database/signing-keys.ts'
import { AppError } from '../../errors.ts'
import type { Sealer } from './sealer.ts'

export const signingAlgorithm = 'ES256'

/** A key that tokens are signed with now. */
export interface SigningKey {
  kid: string
  privateKey: CryptoKey
}

/** The keys that all instances on one database sign with. */
export interface SigningKeys {
  /** The key to sign with. */
  current(): SigningKey
  /** The public key of this name; looks for one that another instance has made, at most once a second. */
  find(kid: string): Promise<CryptoKey | undefined>
  /** RFC 7517: the public keys that tokens may be signed with. */
  jwks(): { keys: JWK[] }
  /** Makes a new key when the newest is old enough, and drops those whose tokens have all expired. */
  rotate(): Promise<void>
}

/** All times in milliseconds. */
export interface SigningKeysOptions {
  db: Database
  sealer: Sealer
  /** The wall clock, as tokens are compared with. */
  now: () => number
  /** Age at which a key gets a successor. */
  lifetimeMs: number
  /** How long a token can live that was signed by a key in its last moment. */
  overlapMs: number
}

/** A new key is public for so long before it signs, so that whoever keeps a copy of the key set has it in time. */
const publishMs = 600_000
const reloadEveryMs = 1000

interface LoadedKey extends SigningKey {
  number: number
  createdAt: number
  publicKey: CryptoKey
  publicJwk: JWK
}

/** Loads the keys, making the first one on a new database. Throws `unavailable` when a stored key cannot be opened. */
export async function openSigningKeys(options: SigningKeysOptions): Promise<SigningKeys> {
  const { db, sealer, now, lifetimeMs, overlapMs } = options
  let keys: LoadedKey[] = []
  let loadedAt = 0

  async function load(): Promise<void> {
    loadedAt = performance.now()
    const rows = await listSigningKeys(db.queries)
    const known = new Map(keys.map((key) => [key.kid, key]))
    keys = await Promise.all(rows.map((row) => known.get(row.kid) ?? loadKey(row, sealer)))
  }

  async function rotate(): Promise<void> {
    await load()
    const newest = keys.at(-1)
    if (!newest || now() - newest.createdAt >= lifetimeMs) {
      await insertSigningKey(db.queries, await createKey((newest?.number ?? 0) + 1, sealer, now()))
      await load()
    }
    const done = keys.filter((_, index) => {
      const successor = keys[index + 1]
      return successor !== undefined && now() - successor.createdAt > publishMs + overlapMs
    })
    if (done.length === 0) return
    await deleteSigningKeys(
      db.queries,
      done.map(({ number }) => number),
    )
    await load()
  }

  await rotate()
  return {
    current() {
      const published = keys.filter(({ createdAt }) => now() - createdAt >= publishMs)
      const key = published.at(-1) ?? keys[0]
      if (!key) throw new AppError('internal', 'tokens: there is no key to sign with')
      return key
    },
    async find(kid) {
      const known = keys.find((key) => key.kid === kid)
      if (known || performance.now() - loadedAt < reloadEveryMs) return known?.publicKey
      await load()
      return keys.find((key) => key.kid === kid)?.publicKey
    },
    jwks: () => ({ keys: keys.map(({ publicJwk }) => publicJwk) }),
    rotate,
  }
}

async function createKey(number: number, sealer: Sealer, now: number): Promise<SigningKeyRow> {
  const { publicKey, privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true })
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  const shown = { ...jwk, kid, alg: signingAlgorithm, use: 'sig' }
  return {
    number,
    kid,
    public_key: JSON.stringify(shown),
    private_key: await sealer.seal(JSON.stringify(await exportJWK(privateKey))),
    created_at: now,
  }
}

async function loadKey(row: SigningKeyRow, sealer: Sealer): Promise<LoadedKey> {
  try {
    const publicJwk = JSON.parse(row.public_key) as JWK
    return {
      number: Number(row.number),
      kid: row.kid,
      createdAt: Number(row.created_at),
      publicJwk,
      publicKey: await imported(publicJwk),
      privateKey: await imported(JSON.parse(await sealer.open(row.private_key)) as JWK),
    }
  } catch (cause) {
    throw new AppError(
      'unavailable',
      `tokens: key ${row.kid} cannot be opened: if the key for secrets is lost, delete its row from signing_keys; everybody then gets new tokens`,
      { cause },
    )
  }
}

async function imported(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, signingAlgorithm)
  if (key instanceof Uint8Array) throw new Error('a symmetric key')
  return key
}
