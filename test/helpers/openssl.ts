import { mkdirSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const year = 365 * 24 * 3600_000

/** Paths of PEM files. */
export interface Certificates {
  /** The authority's certificate: what a client must trust. */
  ca: string
  /** The server's certificate followed by the authority's. */
  cert: string
  key: string
}

/** Makes a certificate authority and a server certificate for the names and addresses given, valid for a year, in `folder`. */
export async function makeCertificates(
  folder: string,
  names = ['localhost', '127.0.0.1', '::1'],
): Promise<Certificates> {
  mkdirSync(folder, { recursive: true })
  const notBefore = new Date(Date.now() - 3600_000)
  const notAfter = new Date(Date.now() + year)
  const authorityKeys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Entrepot test authority',
    keys: authorityKeys,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  })
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=Entrepot test server',
    issuer: authority.subject,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  })
  const paths = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  writeFileSync(paths.ca, authority.toString('pem'))
  writeFileSync(paths.cert, `${certificate.toString('pem')}\n${authority.toString('pem')}`)
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  writeFileSync(paths.key, x509.PemConverter.encode(key, 'PRIVATE KEY'), { mode: 0o600 })
  return paths
}
