import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { type CertifiedKey, makeAuthority, makeServerCertificate } from '../../src/commands/cert-authority.ts'

/** A folder of its own under the system's temporary one, and its removal. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'entrepot-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export async function testAuthority(name = 'Test CA'): Promise<CertifiedKey> {
  return makeAuthority(name, 30)
}

/** A certificate for localhost and 127.0.0.1 whose subject is `name`. */
export async function testCertificate(authority: CertifiedKey, name: string): Promise<CertifiedKey> {
  return makeServerCertificate(authority, [name, 'localhost', '127.0.0.1'], 30)
}

/** Writes `NAME.crt` and `NAME.key` and tells where. */
export function writePair(folder: string, name: string, pair: CertifiedKey): { certificate: string; key: string } {
  const files = { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
  writeFileSync(files.certificate, pair.certificate)
  writeFileSync(files.key, pair.key, { mode: 0o600 })
  return files
}

/** A self-signed certificate that a client may show; it is its own CA. */
export async function testClientCertificate(name: string): Promise<CertifiedKey> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    keys: keys as CryptoKeyPair,
    signingAlgorithm: algorithm,
  })
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { certificate: certificate.toString('pem'), key }
}
