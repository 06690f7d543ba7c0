import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CertifiedKey, makeServerCertificate } from '../../src/commands/cert-authority.ts'
import { testAuthority, writePair } from '../helpers/certificates.ts'
import {
  attempt,
  type Daemon,
  freePort,
  run,
  startDaemon,
  temporaryFolder,
  Unavailable,
  waitFor,
} from '../helpers/process.ts'
import { installPackages, missingPackages, whyNoPackages } from './packages.ts'

/** One entry of the directory: its DN and its attributes. */
export interface Entry {
  dn: string
  attributes: Record<string, string | string[]>
}

/** An OpenLDAP server of our own, with the entries of `seed` in it. */
export interface OpenldapService {
  /** `ldap://127.0.0.1:PORT`, where StartTLS works, too. */
  readonly url: string
  /** `ldaps://127.0.0.1:PORT`; its certificate is for 127.0.0.1 and localhost. */
  readonly tlsUrl: string
  /** PEM file of the authority that signed its certificate. */
  readonly ca: string
  /** Adds entries while it runs, so that overlays see them. */
  add(entries: Entry[]): Promise<void>
  /** Applies changes written as LDIF. */
  modify(ldif: string): Promise<void>
  /** What the server logged about requests; only with `logged`. */
  log(): string
  /** Ends the server (default: SIGTERM) and keeps its data. */
  halt(signal?: NodeJS.Signals): Promise<void>
  /** Stops it in its tracks: connections stay, and nothing is answered. */
  freeze(): Promise<void>
  /** Lets it go on. */
  thaw(): void
  /** Starts it again on the same ports. */
  resume(): Promise<void>
  stop(): Promise<void>
}

/** How the server is set up. */
export interface OpenldapOptions {
  /** More entries, there before it starts; for thousands of them. */
  bulk?: Entry[]
  /** Who may read without a login. Default: nobody. */
  anonymousRead?: boolean
  /** Names in the certificate. */
  certifiedNames?: string[]
  /** A server that grants no StartTLS; it has no `tlsUrl` then. */
  withoutTls?: boolean
  /** Keeps a log of every request. */
  logged?: boolean
  /** More lines for the database section of slapd.conf. */
  directives?: string[]
}

export const base = 'dc=example,dc=com'
export const people = `ou=people,${base}`
export const groups = `ou=groups,${base}`
/** The account that searches. */
export const reader = { bindDn: `cn=reader,ou=services,${base}`, bindPassword: 'reader-secret' }
const admin = { dn: `cn=admin,${base}`, password: 'admin-secret' }

/** A person as many directories keep them. Passwords are `<uid>-secret`. */
export function person(uid: string, number: number, more: Partial<Entry> & { rdn?: string } = {}): Entry {
  return {
    dn: more.dn ?? `uid=${uid},${people}`,
    attributes: {
      objectClass: ['inetOrgPerson', 'posixAccount'],
      uid,
      cn: `${uid} Example`,
      sn: 'Example',
      mail: `${uid}@example.com`,
      uidNumber: String(number),
      gidNumber: String(number),
      homeDirectory: `/home/${uid}`,
      userPassword: `${uid}-secret`,
      ...more.attributes,
    },
  }
}

const seed: Entry[] = [
  person('alice', 10_001),
  person('bob', 10_002),
  person('carol', 10_003),
  { dn: `cn=developers,${groups}`, attributes: groupOfNames('developers', 'alice', 'bob') },
  { dn: `cn=registry-admins,${groups}`, attributes: groupOfNames('registry-admins', 'alice') },
  {
    dn: `cn=ops,${groups}`,
    attributes: { objectClass: 'posixGroup', cn: 'ops', gidNumber: '20001', memberUid: ['bob', 'carol'] },
  },
  {
    dn: `cn=testers,${groups}`,
    attributes: { objectClass: 'groupOfUniqueNames', cn: 'testers', uniqueMember: `uid=carol,${people}` },
  },
]

function groupOfNames(cn: string, ...uids: string[]): Entry['attributes'] {
  return { objectClass: 'groupOfNames', cn, member: uids.map((uid) => `uid=${uid},${people}`) }
}

/** Starts slapd on free ports of 127.0.0.1, with the overlay that keeps `memberOf`. */
export async function startOpenldap(options: OpenldapOptions = {}): Promise<OpenldapService> {
  await installOpenldap()
  const folder = temporaryFolder('openldap')
  mkdirSync(join(folder, 'db'))
  const authority = await testAuthority('Directory test CA')
  const ca = join(folder, 'ca.crt')
  writeFileSync(ca, authority.certificate)
  const [port, tlsPort] = [await freePort(), await freePort()]
  const config = join(folder, 'slapd.conf')
  writeFileSync(config, await configuration(folder, ca, authority, options))
  const [url, tlsUrl] = [`ldap://127.0.0.1:${port}`, `ldaps://127.0.0.1:${tlsPort}`]
  const scaffold: Entry[] = [
    { dn: base, attributes: { objectClass: ['dcObject', 'organization'], o: 'Example', dc: 'example' } },
    ...['people', 'groups', 'services'].map((ou) => ({
      dn: `ou=${ou},${base}`,
      attributes: { objectClass: 'organizationalUnit', ou },
    })),
    {
      dn: reader.bindDn,
      attributes: {
        objectClass: ['simpleSecurityObject', 'organizationalRole'],
        cn: 'reader',
        userPassword: reader.bindPassword,
      },
    },
  ]
  const asAdmin = ['-x', '-H', url, '-D', admin.dn, '-w', admin.password]
  let daemon: Daemon | undefined
  const start = async () => {
    const level = options.logged ? 'stats' : '0'
    daemon = startDaemon(
      ['/usr/sbin/slapd', '-d', level, '-f', config, '-h', options.withoutTls ? url : `${url} ${tlsUrl}`],
      {
        logFile: join(folder, 'log'),
      },
    )
    await waitFor('slapd', async () => {
      if (!daemon?.alive()) throw new Error(`slapd ended\n${daemon?.log().slice(-3000)}`)
      return (await attempt(['/usr/bin/ldapwhoami', ...asAdmin])).code === 0
    })
  }
  const halt = async (signal?: NodeJS.Signals) => {
    await daemon?.stop(signal)
  }
  const service: OpenldapService = {
    url,
    tlsUrl,
    ca,
    add: async (entries) => void (await run(['/usr/bin/ldapadd', ...asAdmin], { input: ldif(entries) })),
    modify: async (changes) => void (await run(['/usr/bin/ldapmodify', ...asAdmin], { input: changes })),
    log: () => daemon?.log() ?? '',
    halt,
    async freeze() {
      const pid = daemon?.pid ?? -1
      process.kill(pid, 'SIGSTOP')
      const states = () =>
        readdirSync(`/proc/${pid}/task`).map((task) => readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8'))
      await waitFor('slapd to stand still', () => states().every((state) => /\) T /.test(state)))
    },
    thaw: () => void process.kill(daemon?.pid ?? -1, 'SIGCONT'),
    resume: start,
    async stop() {
      await halt()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    const first = ldif([...scaffold, ...(options.bulk ?? [])])
    await run(['/usr/sbin/slapadd', '-q', '-f', config], { input: first })
    await start()
    await service.add(seed)
    return service
  } catch (error) {
    await service.stop()
    throw error
  }
}

/** Sees to it that OpenLDAP is there, without a directory for the whole machine. Throws `Unavailable` as `installPackages` does. */
export async function installOpenldap(): Promise<void> {
  const packages = ['slapd', 'ldap-utils']
  // The package would set one up; asked beforehand, it does not.
  if ((await missingPackages(packages)).length > 0 && whyNoPackages() === undefined)
    await attempt(['debconf-set-selections'], { input: 'slapd slapd/no_configuration boolean true\n' })
  await installPackages(...packages)
}

/** Why tests that need OpenLDAP are skipped here; undefined: it is installed now. */
export async function whyNoOpenldap(): Promise<string | undefined> {
  try {
    await installOpenldap()
    return undefined
  } catch (error) {
    if (error instanceof Unavailable) return error.message
    throw error
  }
}

async function configuration(folder: string, ca: string, authority: CertifiedKey, options: OpenldapOptions) {
  const { anonymousRead = false, certifiedNames = ['localhost', '127.0.0.1'], directives = [] } = options
  const { certificate, key } = writePair(folder, 'server', await makeServerCertificate(authority, certifiedNames, 30))
  const schemas = ['core', 'cosine', 'nis', 'inetorgperson'].map((name) => `include /etc/ldap/schema/${name}.schema`)
  return `${[
    ...schemas,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    'moduleload memberof',
    'moduleload ppolicy',
    `pidfile ${folder}/slapd.pid`,
    ...(options.withoutTls
      ? []
      : [`TLSCACertificateFile ${ca}`, `TLSCertificateFile ${certificate}`, `TLSCertificateKeyFile ${key}`]),
    'database mdb',
    `suffix "${base}"`,
    `rootdn "${admin.dn}"`,
    `rootpw ${admin.password}`,
    `directory ${folder}/db`,
    'maxsize 67108864',
    'dbnosync',
    'index objectClass,uid,cn,mail,memberUid,member,memberOf eq',
    'access to attrs=userPassword by anonymous auth by * none',
    `access to * by users read by anonymous ${anonymousRead ? 'read' : 'none'}`,
    ...directives,
    'overlay memberof',
  ].join('\n')}\n`
}

function ldif(entries: Entry[]): string {
  const line = (name: string, value: string) => `${name}:: ${Buffer.from(value).toString('base64')}\n`
  return entries
    .map(({ dn, attributes }) => {
      const values = Object.entries(attributes).flatMap(([name, value]) => [value].flat().map((one) => line(name, one)))
      return `${line('dn', dn)}${values.join('')}\n`
    })
    .join('')
}
