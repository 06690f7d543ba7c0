import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'

/** A certificate that we show to clients, as its file has it now. */
export interface ShownCertificate {
  /** `http.tls`, or the repository whose connector shows it. */
  usedBy: string
  obtained: 'file' | 'letsencrypt'
  names: string[]
  issuer: string
  from: number
  until: number
  /** SHA-256 of the certificate. */
  fingerprint: string
  /** Why nothing more is known of it; undefined when it could be read. */
  problem: string | undefined
}

/** The certificates of this server. Listeners follow their files: what they show is what is there, unless it cannot be used. */
export function shownCertificates({
  http: { tls },
  connectors,
  dataDir,
}: Pick<Config, 'http' | 'connectors' | 'dataDir'>) {
  const isObtained = tls.letsencrypt.hosts.length > 0
  const main = isObtained ? join(dataDir, 'acme', 'certificate-and-key.pem') : tls.certificate
  const shown: ShownCertificate[] = []
  if (main !== undefined) shown.push(read('http.tls', main, isObtained ? 'letsencrypt' : 'file'))
  for (const { repository, tls: own } of connectors)
    if (own.certificate !== undefined) shown.push(read(`connector of ${repository}`, own.certificate, 'file'))
  return shown
}

function read(usedBy: string, file: string, obtained: ShownCertificate['obtained']): ShownCertificate {
  const nothing = { usedBy, obtained, names: [], issuer: '', from: 0, until: 0, fingerprint: '' }
  try {
    const text = readFileSync(file, 'utf8')
    const certificate = new X509Certificate(text.slice(text.indexOf('-----BEGIN CERTIFICATE-----')))
    return {
      ...nothing,
      names: (certificate.subjectAltName ?? '')
        .split(', ')
        .flatMap((name) => /^(?:DNS|IP Address):(.+)$/.exec(name)?.[1] ?? []),
      issuer: certificate.issuer.split('\n').join(', '),
      from: Date.parse(certificate.validFrom),
      until: Date.parse(certificate.validTo),
      fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      problem: undefined,
    }
  } catch (error) {
    return { ...nothing, problem: `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}
