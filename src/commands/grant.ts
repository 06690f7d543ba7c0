import { declaredGrants, usersMayAll } from '../access/declared.ts'
import { type Grant, type GrantTerms, grantText, keyOfGrant, subjectText } from '../access/grant.ts'
import { readGrants, removeGrants, addGrant as store } from '../access/grant-store.ts'
import { rolesWith } from '../access/roles.ts'
import type { Config } from '../config/config.ts'
import type { Database } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { loadOrExplain } from './configured.ts'
import { parseSubject, parseTerms, type TermOptions } from './grant-terms.ts'
import type { CommandIo } from './io.ts'
import { type Installation, withDatabase } from './with-database.ts'

/** `entrepot grant add (--user NAME | --group NAME | --robot NAME | --authenticated | --anonymous) --role ROLE --repository NAME [--images PATTERN...]` */
export function addGrant(options: TermOptions & Installation, io: CommandIo): Promise<number> {
  return withDatabase(options, io, async (db, config, tell) => {
    const terms = parseTerms(options, rolesWith(config.roles))
    const added = await store(db, terms, Date.now())
    const all = await grantsOf(db, config)
    const same = all.find((grant) => grant.managedBy === 'database' && keyOfGrant(grant) === keyOfGrant(terms))
    if (added) tell('grant.create', ...toldOf(terms))
    io.err.write(`${added ? 'Added' : 'There already is'}: ${same ? grantText(same) : 'the grant'}.\n`)
    const known = config.repositories.map(({ name }) => name)
    if (terms.repository !== '*' && !known.includes(terms.repository))
      io.err.write(`Note: the configuration declares no repository ${terms.repository}, only ${known.join(', ')}.\n`)
    if (config.auth === 'none') io.err.write('Note: auth is none, so everyone may do everything anyway.\n')
    if (usersMayAll(config) && terms.subject.kind !== 'anonymous')
      io.err.write(
        'Note: users of auth.htpasswd may do everything as long as the configuration file has no grants of its own.\n',
      )
    return 0
  })
}

/** `entrepot grant remove [ID...] [--user NAME ...] [--role ROLE] [--repository NAME]`: those with one of the ids that also fit the rest. Returns 1 when there was none. */
export function removeGrant(ids: string[], options: TermOptions & Installation, io: CommandIo): Promise<number> {
  return withDatabase(options, io, async (db, config, tell) => {
    const wanted = ids.map((id) => {
      if (!/^\d{1,15}$/.test(id)) throw new AppError('request-invalid', `"${id}" is no number of a grant`)
      return Number(id)
    })
    const fits = filterOf(options)
    if (wanted.length === 0 && !fits)
      throw new AppError(
        'request-invalid',
        'say which: its number, as in `entrepot grant list`, or whose with --user NAME',
      )
    const isMeant = (grant: Grant) => (wanted.length === 0 || wanted.includes(grant.id)) && (fits?.(grant) ?? true)
    const gone = await removeGrants(db, isMeant)
    for (const grant of gone) tell('grant.remove', ...toldOf(grant))
    for (const grant of gone) io.err.write(`Removed: ${grantText(grant)}.\n`)
    if (gone.length > 0) return 0
    const stored = await readGrants(db.queries)
    const declared = [...stored, ...(await grantsOf(db, config))].find(
      (one) => one.managedBy === 'file' && isMeant(one),
    )
    io.err.write(
      declared ? `Change that in the configuration file: ${grantText(declared)}.\n` : 'There is no such grant.\n',
    )
    return 1
  })
}

/** `entrepot grant list [--user NAME ...] [--json]`: a line for each grant: number, subject, role, repository, images, where it is kept, with tabs between. */
export function listGrants(options: TermOptions & Installation & { json?: boolean }, io: CommandIo): Promise<number> {
  return withDatabase(options, io, async (db, config) => {
    const fits = filterOf(options) ?? (() => true)
    const shown = (await grantsOf(db, config)).filter(fits)
    if (options.json) io.out.write(`${JSON.stringify(shown, null, 2)}\n`)
    const roles = rolesWith(config.roles)
    for (const { id, subject, role, repository, images, managedBy } of options.json ? [] : shown) {
      const whom = subject.name === '' ? subject.kind : `${subject.kind} ${subject.name}`
      const cells = [id === 0 ? '-' : id, whom, role, repository, images.join(' ') || '**', managedBy]
      io.out.write(`${cells.join('\t')}\n`)
      if (!roles.has(role)) io.err.write(`Warning: there is no role ${role}: that grant allows nothing.\n`)
    }
    return 0
  })
}

/** `entrepot role list`: a line for each role: name, actions, with a tab between. */
export function listRoles(options: Installation, io: CommandIo): number {
  const config = loadOrExplain(options, io)
  if (!config) return 2
  for (const { name, actions } of rolesWith(config.roles).values()) io.out.write(`${name}\t${actions.join(' ')}\n`)
  return 0
}

/** What holds once a server has started with this configuration: its own grants, and those of the database. */
export async function grantsOf(db: Database | undefined, config: Config): Promise<Grant[]> {
  const declared = declaredGrants(config).map((terms): Grant => ({ ...terms, id: 0, managedBy: 'file' }))
  const stored = db ? await readGrants(db.queries) : []
  return [...declared, ...stored.filter(({ managedBy }) => managedBy === 'database')]
}

/** A grant as the audit log has it. */
function toldOf({ subject, role, repository, images }: GrantTerms) {
  const detail = { role, ...(images.length > 0 && { images: images.join(' ') }) }
  return [subjectText(subject), { repository, detail }] as const
}

function filterOf(options: TermOptions): ((grant: Grant) => boolean) | undefined {
  const subject = parseSubject(options)
  const { role, repository } = options
  if (!subject && role === undefined && repository === undefined) return undefined
  return (grant) =>
    (!subject || (grant.subject.kind === subject.kind && grant.subject.name === subject.name)) &&
    (role === undefined || grant.role === role) &&
    (repository === undefined || grant.repository === repository)
}
