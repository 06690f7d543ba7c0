import { createHash, createPublicKey, type JsonWebKeyInput, type KeyObject, X509Certificate } from 'node:crypto'
import { calculateJwkThumbprint, type importJWK, type JWK, type JWTHeaderParameters } from 'jose'

/** What signs tokens of another server: keys by their names, and authorities whose certificates are believed. */
export interface TrustedKeys {
  /** The key that a token names in its header, when it is trusted. */
  keyFor(header: JWTHeaderParameters): Promise<CryptoKeyLike | undefined>
}

export type CryptoKeyLike = Awaited<ReturnType<typeof importJWK>> | KeyObject

/** Leaf, intermediate ones and the root: nobody has more. */
const longestChain = 6

/**
 * The keys of distribution's `rootcertbundle` (PEM) and `jwks` (JSON). A token is verified, as there, with the key of a certificate chain in its header (`x5c`) that
 * leads to a root, of a key named by `kid` (as in the key set, as RFC 7638 thumbprint, or as libtrust's fingerprint), or of a `jwk` that is one of those keys.
 */
export async function readTrustedKeys(
  { bundle, jwks }: { bundle?: string | undefined; jwks?: string | undefined },
  now: () => number,
): Promise<TrustedKeys> {
  const roots = certificatesIn(bundle ?? '').map((pem) => new X509Certificate(pem))
  const byName = new Map<string, CryptoKeyLike>()
  const prints = new Map<string, CryptoKeyLike>()
  for (const { publicKey } of roots) {
    const print = await calculateJwkThumbprint(publicKey.export({ format: 'jwk' }) as JWK)
    prints.set(print, publicKey)
    byName.set(print, publicKey).set(libtrustName(publicKey), publicKey)
  }
  for (const jwk of keysIn(jwks)) {
    if (jwk.kty === 'oct') throw new Error('a key of type oct is a shared secret, which is not accepted')
    const key = createPublicKey({ key: publicPart(jwk) as JsonWebKeyInput['key'], format: 'jwk' })
    const print = await calculateJwkThumbprint(jwk)
    prints.set(print, key)
    byName.set(print, key).set(libtrustName(key), key)
    if (jwk.kid !== undefined) byName.set(jwk.kid, key)
  }
  if (byName.size === 0) throw new Error('there is no certificate and no key in it')

  return {
    async keyFor({ x5c, jwk, kid }) {
      // Where several are named the certificates decide, as in distribution; the others could only say the same.
      if (x5c !== undefined) return keyOfChain(x5c, roots, new Date(now()))
      if (jwk !== undefined) return prints.get(await calculateJwkThumbprint(jwk as JWK))
      return typeof kid === 'string' ? byName.get(kid) : undefined
    },
  }
}

/** The key of the first certificate, when each is signed by the next and the last by a root, and all hold now. */
function keyOfChain(x5c: unknown, roots: X509Certificate[], now: Date): KeyObject | undefined {
  if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > longestChain) return undefined
  const chain = x5c.map((text) => new X509Certificate(Buffer.from(String(text), 'base64')))
  const isIssuer = (issuer: X509Certificate, of: X509Certificate) =>
    issuer.ca && of.checkIssued(issuer) && of.verify(issuer.publicKey)
  const isCurrent = ({ validFrom, validTo }: X509Certificate) => new Date(validFrom) <= now && now <= new Date(validTo)
  let [current] = chain as [X509Certificate]
  const intermediates = chain.slice(1)
  for (let step = 0; step < longestChain; step++) {
    if (!isCurrent(current)) return undefined
    const here = current
    const isRoot = roots.some((root) => root.fingerprint256 === here.fingerprint256)
    if (isRoot || roots.some((root) => isCurrent(root) && isIssuer(root, here))) return chain[0]?.publicKey
    const next = intermediates.find((candidate) => candidate !== here && isIssuer(candidate, here))
    if (!next) return undefined
    current = next
  }
  return undefined
}

/** distribution up to 2.8 names keys so: the first 240 bits of the SHA-256 of the key's DER, in base 32, in groups of four. */
export function libtrustName(key: KeyObject): string {
  const hash = createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest()
    .subarray(0, 30)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  let bits = 0n
  for (const byte of hash) bits = (bits << 8n) | BigInt(byte)
  const text = Array.from({ length: 48 }, (_, index) => alphabet[Number((bits >> BigInt(5 * (47 - index))) & 31n)])
  return text.join('').replace(/(.{4})(?=.)/g, '$1:')
}

function certificatesIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
}

function keysIn(text: string | undefined): JWK[] {
  if (text === undefined) return []
  const { keys } = JSON.parse(text) as { keys?: unknown }
  if (!Array.isArray(keys)) throw new Error('it has no list of "keys"')
  return keys as JWK[]
}

function publicPart({ kty, crv, x, y, n, e }: JWK): JWK {
  return Object.fromEntries(Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined)) as JWK
}
