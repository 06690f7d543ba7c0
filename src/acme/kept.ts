import { X509Certificate } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createSecretFile, readTextFile, replaceFile } from '../identity/durable-file.ts'

/** A certificate as it lies on disk. */
export interface KeptCertificate {
  /** DNS names it is for. */
  hosts: string[]
  from: number
  until: number
  /** Made by ourselves until the authority has given one. */
  isPlaceholder: boolean
}

/** The files of one set of hosts. Key and certificate are one file, so that they are replaced in one step. */
export interface Kept {
  /** For `http.tls`: certificate and key. */
  readonly file: string
  readonly accountFile: string
  certificate(): KeptCertificate | undefined
  put(pem: string): void
  /** The account's key; `make` is asked when there is none yet. */
  accountKey(make: () => Promise<string>): Promise<string>
}

/** What a certificate of our own making carries as its organisation, so that it is known again. */
const placeholderMark = 'Entrepot'

/** `folder` is made with mode 0700. */
export function openKept(folder: string): Kept {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'certificate-and-key.pem')
  const accountFile = join(folder, 'account.key')
  return {
    file,
    accountFile,
    certificate() {
      const text = readTextFile(file)?.text
      return text === undefined ? undefined : describe(text)
    },
    put(pem) {
      const existing = readTextFile(file)
      if (existing) replaceFile(file, pem, existing.stats)
      else createSecretFile(file, pem)
    },
    async accountKey(make) {
      const known = readTextFile(accountFile)?.text
      if (known !== undefined) return known
      const key = await make()
      // Of two that start at once, the first one's counts.
      return createSecretFile(accountFile, key) ? key : (readTextFile(accountFile)?.text ?? key)
    },
  }
}

function describe(pem: string): KeptCertificate {
  const certificate = new X509Certificate(pem.slice(pem.indexOf('-----BEGIN CERTIFICATE-----')))
  const names = certificate.subjectAltName?.split(', ') ?? []
  return {
    hosts: names.filter((name) => name.startsWith('DNS:')).map((name) => name.slice(4).toLowerCase()),
    from: Date.parse(certificate.validFrom),
    until: Date.parse(certificate.validTo),
    isPlaceholder: certificate.issuer.includes(`O=${placeholderMark}`),
  }
}
