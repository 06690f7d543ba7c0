import { mkdirSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { installPackages } from '../services/packages.ts'
import { run } from './process.ts'

/** Paths of PEM files. */
export interface Certificates {
  /** The authority's certificate: what a client must trust. */
  ca: string
  /** The server's certificate. */
  cert: string
  key: string
}

/**
 * Makes a certificate authority and a server certificate for the names and addresses given, valid for a year, in `folder`, by openssl:
 * another hand than the one that makes our own certificates. Throws `Unavailable` without openssl.
 */
export async function makeCertificates(
  folder: string,
  names = ['localhost', '127.0.0.1', '::1'],
): Promise<Certificates> {
  await installPackages('openssl')
  mkdirSync(folder, { recursive: true })
  const at = (name: string) => join(folder, name)
  const keyOptions = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256']
  const authority = ['-subj', '/CN=Entrepot test authority', '-addext', 'basicConstraints=critical,CA:TRUE']
  const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign']
  const files = ['-keyout', at('ca.key'), '-out', at('ca.pem')]
  await run(['openssl', 'req', '-x509', '-days', '365', ...keyOptions, ...authority, ...usage, ...files])
  const request = ['-subj', '/CN=Entrepot test server', '-keyout', at('key.pem'), '-out', at('request.pem')]
  await run(['openssl', 'req', ...keyOptions, ...request])
  const alternatives = names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`).join(',')
  const extensions = ['basicConstraints=CA:FALSE', 'extendedKeyUsage=serverAuth', `subjectAltName=${alternatives}`]
  writeFileSync(at('extensions'), `${extensions.join('\n')}\n`)
  const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '365', '-sha256']
  const subject = ['-in', at('request.pem'), '-extfile', at('extensions'), '-out', at('cert.pem')]
  await run(['openssl', 'x509', '-req', ...signer, ...subject])
  return { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') }
}
