import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from '../errors.ts'
import type { Log } from '../telemetry/log.ts'

/** `http.tls` of the configuration, under distribution's names where it has them. */
export interface TlsSettings {
  /** PEM file: the server's certificate, then the intermediate ones. */
  certificate: string
  /** PEM file. */
  key: string
  /** PEM files of the CAs that client certificates must come from. */
  clientCas?: readonly string[] | undefined
  /** `tls1.2` (default) or `tls1.3`; older names mean `tls1.2`. */
  minimumTls?: string | undefined
  /** Names as Go writes them (`TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`) or OpenSSL does; for TLS 1.2. */
  cipherSuites?: readonly string[] | undefined
  /** distribution's words; default `require-and-verify-client-cert` when there are client CAs. */
  clientAuth?: string | undefined
}

/** Certificates that were read and found to fit together. */
export interface TlsMaterial {
  options: {
    cert: string
    key: string
    /** A number: the runtime refuses names. */
    minVersion: number
    ca?: string
    ciphers?: string
    requestCert?: boolean
    rejectUnauthorized?: boolean
  }
  /** End of validity of the server's certificate. */
  expiresAt: Date
  /** What an administrator should know: soon or already expired, no names in it. */
  warnings: string[]
}

export interface TlsFiles {
  readonly material: TlsMaterial
  /** Reads the files again now (SIGHUP); keeps the old ones and says why in the log when they do not fit. True when new ones are in use. */
  reload(): boolean
  close(): void
}

const TLS_1_2 = 0x0303
const TLS_1_3 = 0x0304
const dayMs = 86_400_000

/**
 * Reads and checks the files. Throws `request-invalid` naming the file and the fix: unreadable, not PEM, key of another certificate,
 * a client authentication mode that cannot be kept.
 */
export function loadTls(settings: TlsSettings, now = new Date()): TlsMaterial {
  const cert = readPem(settings.certificate, 'certificate')
  const key = readPem(settings.key, 'key')
  const leaf = parsed(settings.certificate, () => new X509Certificate(cert))
  const privateKey = parsed(settings.key, () => createPrivateKey(key))
  if (!leaf.checkPrivateKey(privateKey))
    throw invalid(
      `${settings.key} is not the key of the certificate in ${settings.certificate}; put the pair that belongs together there`,
    )
  const clientCas = settings.clientCas ?? []
  const expiresAt = new Date(leaf.validTo)
  return {
    options: {
      cert,
      key,
      minVersion: settings.minimumTls === 'tls1.3' ? TLS_1_3 : TLS_1_2,
      ...(settings.cipherSuites?.length && { ciphers: settings.cipherSuites.map(opensslName).join(':') }),
      ...(clientCas.length > 0 && { ca: clientCas.map((file) => readCa(file)).join('\n') }),
      ...clientAuthentication(settings.clientAuth, clientCas.length > 0),
    },
    expiresAt,
    warnings: warningsFor(settings, leaf, expiresAt, now),
  }
}

/**
 * Loads, then watches the folders of the files (a Kubernetes secret swaps the link `..data`, so the files themselves never change)
 * and looks at their times every `pollSeconds` where watching tells nothing. `onChange` gets each new pair that fits; when it throws, the old pair counts.
 */
export function watchTls(
  settings: TlsSettings,
  log: Log,
  onChange: (material: TlsMaterial) => void,
  { pollSeconds = 30, settleMs = 200 } = {},
): TlsFiles {
  let material = loadTls(settings)
  for (const warning of material.warnings) log.warn(warning)
  const files = [settings.certificate, settings.key, ...(settings.clientCas ?? [])]
  let seen = fingerprint(files)

  const reload = (): boolean => {
    seen = fingerprint(files)
    try {
      const fresh = loadTls(settings)
      if (JSON.stringify(fresh.options) === JSON.stringify(material.options)) return false
      onChange(fresh)
      material = fresh
    } catch (error) {
      log.error('the new certificate files are not used; the old ones stay in use', { error })
      return false
    }
    for (const warning of material.warnings) log.warn(warning)
    log.info('new certificates are in use', {
      certificate: settings.certificate,
      expiresAt: material.expiresAt.toISOString(),
    })
    return true
  }
  const check = () => {
    if (fingerprint(files) !== seen) reload()
  }
  let settling: NodeJS.Timeout | undefined
  // Certificate and key are two files: wait until both have been written.
  const checkSoon = () => {
    clearTimeout(settling)
    settling = setTimeout(check, settleMs)
  }
  const watchers = [...new Set(files.map((file) => dirname(file)))].flatMap((folder) =>
    startWatch(folder, checkSoon, log),
  )
  const poll = setInterval(check, pollSeconds * 1000)
  poll.unref()

  return {
    get material() {
      return material
    },
    reload,
    close() {
      clearTimeout(settling)
      clearInterval(poll)
      for (const watcher of watchers) watcher.close()
    },
  }
}

function startWatch(folder: string, onEvent: () => void, log: Log): FSWatcher[] {
  try {
    const watcher = watch(folder, onEvent)
    watcher.on('error', (error) =>
      log.debug('a certificate folder is no longer watched, only polled', { folder, error }),
    )
    return [watcher]
  } catch (error) {
    log.debug('a certificate folder cannot be watched, only polled', { folder, error })
    return []
  }
}

function fingerprint(files: string[]): string {
  return files
    .map((file) => {
      const entry = statSync(file, { throwIfNoEntry: false })
      return entry ? `${entry.ino}:${entry.size}:${entry.mtimeMs}` : 'absent'
    })
    .join(' ')
}

function readPem(file: string, what: string): string {
  try {
    const text = readFileSync(file, 'utf8')
    if (text.includes('-----BEGIN ')) return text
  } catch (error) {
    throw invalid(`cannot read the TLS ${what} ${file}: ${(error as Error).message}`, error)
  }
  throw invalid(`the TLS ${what} ${file} is not PEM; convert it (openssl x509 -inform der, openssl pkey -inform der)`)
}

function readCa(file: string): string {
  const text = readPem(file, 'client CA')
  parsed(file, () => new X509Certificate(text))
  return text
}

function parsed<T>(file: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw invalid(`cannot understand ${file}: ${(error as Error).message}`, error)
  }
}

function clientAuthentication(
  mode: string | undefined,
  hasCas: boolean,
): { requestCert?: boolean; rejectUnauthorized?: boolean } {
  const wanted = mode ?? (hasCas ? 'require-and-verify-client-cert' : undefined)
  if (wanted === undefined) return {}
  if (wanted === 'request-client-cert') return { requestCert: true, rejectUnauthorized: false }
  if (wanted !== 'require-and-verify-client-cert')
    throw invalid(
      `http.tls.clientauth "${wanted}" cannot be kept here: certificates would be asked for and not checked. Use require-and-verify-client-cert, or leave it out`,
    )
  if (!hasCas)
    throw invalid('http.tls.clientauth needs http.tls.clientcas: the files of the CAs that sign client certificates')
  return { requestCert: true, rejectUnauthorized: true }
}

function opensslName(suite: string): string {
  if (!suite.startsWith('TLS_') || !suite.includes('_WITH_')) return suite
  return suite
    .slice(4)
    .replace('_WITH_', '_')
    .replace('CHACHA20_POLY1305_SHA256', 'CHACHA20_POLY1305')
    .replace(/AES_(128|256)/, 'AES$1')
    .replace(/_CBC_/, '_')
    .replace(/^RSA_/, '')
    .replaceAll('_', '-')
    .replace('CHACHA20-POLY1305', 'CHACHA20-POLY1305')
}

function warningsFor(settings: TlsSettings, leaf: X509Certificate, expiresAt: Date, now: Date): string[] {
  const warnings: string[] = []
  const days = Math.floor((expiresAt.getTime() - now.getTime()) / dayMs)
  const file = settings.certificate
  if (days < 0) warnings.push(`the certificate ${file} expired on ${expiresAt.toISOString()}; clients will refuse it`)
  else if (days < 14) warnings.push(`the certificate ${file} expires in ${days} days, on ${expiresAt.toISOString()}`)
  if (new Date(leaf.validFrom) > now)
    warnings.push(`the certificate ${file} is not valid before ${leaf.validFrom}; is the clock right?`)
  if (!leaf.subjectAltName)
    warnings.push(`the certificate ${file} has no subject alternative name; docker and other Go clients will refuse it`)
  if (settings.minimumTls && !['tls1.2', 'tls1.3'].includes(settings.minimumTls))
    warnings.push(`http.tls.minimumtls ${settings.minimumTls} is raised to tls1.2`)
  return warnings
}

function invalid(message: string, cause?: unknown): AppError {
  return new AppError('request-invalid', message, { cause })
}
