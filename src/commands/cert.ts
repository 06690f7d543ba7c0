import { X509Certificate } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { type CertifiedKey, makeAuthority, makeServerCertificate } from './cert-authority.ts'
import { installationHelp } from './cert-help.ts'

export interface CertificateOptions {
  /** DNS names (also `*.example.com`) and IP addresses the server is reached under. The first one stands in the printed paths. */
  names: readonly string[]
  /** Folder for ca.crt, ca.key, server.crt, server.key; made when absent. Default `./certs`. */
  out?: string | undefined
  /** Folder of an existing CA (ca.crt, ca.key). Default: the one in `out`, made when absent. */
  ca?: string | undefined
  /** Validity of the server's certificate; at most and by default 825, beyond which some clients refuse it. */
  days?: number | undefined
  /** The port clients use; default 5000. 443 is left out of names. */
  port?: number | undefined
  /** Replaces an existing server certificate. Never replaces a CA. */
  force?: boolean | undefined
}

export interface CommandOutput {
  out(text: string): void
  err(text: string): void
}

const authorityDays = 3650
const longestDays = 825
const dnsName = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i

/**
 * `entrepot cert create`: makes a server certificate for the names, and a CA first when there is none, then prints which file goes where.
 * Keys are 0600. Resolves to the exit code: 0, or 2 with the reason and the fix on `err`; nothing is written then.
 */
export async function createCertificate(options: CertificateOptions, io: CommandOutput): Promise<number> {
  const folder = resolve(options.out ?? './certs')
  const authorityFolder = resolve(options.ca ?? folder)
  const { days = longestDays, port = 5000 } = options
  const names = options.names.map((name) => name.trim().replace(/^\[(.*)\]$/, '$1'))
  const problem =
    problemWith(names, days, port) ??
    (options.ca !== undefined && !existsSync(join(authorityFolder, 'ca.crt'))
      ? `there is no ca.crt in ${authorityFolder}; leave --ca out to make a new CA in ${folder}`
      : undefined) ??
    (!options.force && ['server.crt', 'server.key'].some((file) => existsSync(join(folder, file)))
      ? `${folder} already has a server certificate; use --force to replace it (the CA stays), or another --out`
      : undefined)
  if (problem !== undefined) return refuse(io, problem)

  const existing = readAuthority(authorityFolder)
  if (typeof existing === 'string') return refuse(io, existing)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const authority = existing ?? (await makeAuthority(`Entrepot CA for ${names[0]}`.slice(0, 64), authorityDays))
  if (!existing) save(folder, 'ca', authority)
  else if (authorityFolder !== folder) saveFile(join(folder, 'ca.crt'), authority.certificate, 0o644)
  const server = await makeServerCertificate(authority, names, days)
  save(folder, 'server', { ...server, certificate: server.certificate })

  const until = new Date(new X509Certificate(server.certificate).validTo).toISOString().slice(0, 10)
  io.out(
    `${existing ? `Used the CA in ${authorityFolder}.` : `Made a CA in ${folder}: ca.crt goes to clients, ca.key stays secret.`}\n`,
  )
  io.out(`Made server.crt and server.key in ${folder} for ${names.join(', ')}, valid until ${until}.\n`)
  io.out(
    installationHelp({
      hosts: names.filter((name) => !name.startsWith('*')).map((name) => withPort(name, port)),
      folder,
    }),
  )
  return 0
}

function problemWith(names: readonly string[], days: number, port: number): string | undefined {
  if (names.length === 0) return 'no name given; add --name hub.example.com, once per name or address that clients use'
  const wrong = names.find(
    (name) => isIP(name) === 0 && (name.length > 253 || !dnsName.test(name) || /^[0-9.]+$/.test(name)),
  )
  if (wrong !== undefined)
    return `"${wrong}" is neither a DNS name nor an IP address; write it without https:// and without a port (--port takes that)`
  if (names.every((name) => name.startsWith('*')))
    return 'only wildcard names given; add --name with the name that clients use'
  if (!Number.isInteger(days) || days < 1 || days > longestDays)
    return `--days must be from 1 to ${longestDays}; clients refuse longer ones`
  if (!Number.isInteger(port) || port < 1 || port > 65535) return '--port must be from 1 to 65535'
  return undefined
}

/** The CA in a folder, undefined when there is none, or what is wrong with it. */
function readAuthority(folder: string): CertifiedKey | string | undefined {
  const [crt, keyFile] = [join(folder, 'ca.crt'), join(folder, 'ca.key')]
  if (!existsSync(crt) && !existsSync(keyFile)) return undefined
  if (!existsSync(crt) || !existsSync(keyFile))
    return `${folder} has only one of ca.crt and ca.key; put the other one there, or use another --out`
  const authority = { certificate: readFileSync(crt, 'utf8'), key: readFileSync(keyFile, 'utf8') }
  try {
    const certificate = new X509Certificate(authority.certificate)
    if (!certificate.ca) return `${crt} is not a CA certificate; give a folder with one made by this command`
    if (new Date(certificate.validTo) < new Date())
      return `the CA ${crt} expired on ${certificate.validTo}; make a new one with another --out`
    if (
      certificate.publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1' ||
      !authority.key.includes('-----BEGIN PRIVATE KEY')
    )
      return `the CA in ${folder} was not made by this command (EC P-256, PKCS#8); sign the server's certificate with the tool that made it`
  } catch (error) {
    return `cannot understand ${crt}: ${(error as Error).message}`
  }
  return authority
}

function save(folder: string, name: string, pair: CertifiedKey): void {
  saveFile(join(folder, `${name}.key`), pair.key, 0o600)
  saveFile(join(folder, `${name}.crt`), pair.certificate, 0o644)
}

/** Written aside and renamed, so that a running server that watches the folder never reads half a file. */
function saveFile(path: string, text: string, mode: number): void {
  const aside = `${path}.new`
  const fd = openSync(aside, 'w', mode)
  try {
    chmodSync(aside, mode)
    const bytes = Buffer.from(text)
    for (let offset = 0; offset < bytes.length; ) offset += writeSync(fd, bytes, offset)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(aside, path)
}

function withPort(name: string, port: number): string {
  const host = isIP(name) === 6 ? `[${name}]` : name
  return port === 443 ? host : `${host}:${port}`
}

function refuse(io: CommandOutput, problem: string): number {
  io.err(`entrepot cert create: ${problem}\n`)
  return 2
}
