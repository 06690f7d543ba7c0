import { randomUUID } from 'node:crypto'
import type { Database, Queries } from '../database/database.ts'
import { recall, remember } from '../database/facts.ts'
import { deleteGrants, type GrantRow, insertGrant, listGrants } from '../database/grants.ts'
import { type Grant, type GrantTerms, keyOfGrant, type Subject } from './grant.ts'

/** The fact that is another one after each change of grants, so that other instances and the server beside a command notice it. */
const versionFact = 'grants-version'

/** What the grants were when; undefined: nobody has changed any yet. */
export function grantsVersion(queries: Queries): Promise<string | undefined> {
  return recall(queries, versionFact)
}

/** All grants of the database, oldest first. */
export async function readGrants(queries: Queries): Promise<Grant[]> {
  return (await listGrants(queries)).map(fromRow)
}

/** Adds a grant; false when there is one already that says the same. Holds here and elsewhere once they look again. */
export function addGrant(db: Database, terms: GrantTerms, now: number): Promise<boolean> {
  return db.transaction((tx) => addGrantWithin(tx, terms, now))
}

/** The same within a larger change. */
export async function addGrantWithin(tx: Queries, terms: GrantTerms, now: number): Promise<boolean> {
  const added = await insertGrant(tx, toRow(terms, 'database', now))
  if (added) await noteChange(tx)
  return added
}

/** Removes grants that were not declared in the file; returns those that were there. */
export function removeGrants(db: Database, isMeant: (grant: Grant) => boolean): Promise<Grant[]> {
  return db.transaction(async (tx) => removeWithin(tx, (grant) => grant.managedBy === 'database' && isMeant(grant)))
}

/** Takes back what was given to somebody who is no more, so that nobody who gets the name later has it. Within a larger change. */
export function forgetSubject(tx: Queries, { kind, name }: Subject): Promise<Grant[]> {
  return removeWithin(tx, ({ subject }) => subject.kind === kind && subject.name === name)
}

/** Makes the grants of the file in the database those that the file declares now. */
export async function declareGrants(db: Database, declared: readonly GrantTerms[], now: number): Promise<void> {
  await db.transaction(async (tx) => {
    const wanted = new Map(declared.map((terms) => [keyOfGrant(terms), terms]))
    const kept = new Set<string>()
    const gone: number[] = []
    for (const grant of await readGrants(tx)) {
      if (grant.managedBy !== 'file') continue
      const key = keyOfGrant(grant)
      if (wanted.has(key)) kept.add(key)
      else gone.push(grant.id)
    }
    let changes = await deleteGrants(tx, gone)
    for (const [key, terms] of wanted)
      if (!kept.has(key) && (await insertGrant(tx, toRow(terms, 'file', now)))) changes++
    if (changes > 0) await noteChange(tx)
  })
}

async function removeWithin(tx: Queries, isMeant: (grant: Grant) => boolean): Promise<Grant[]> {
  const gone = (await readGrants(tx)).filter(isMeant)
  if (
    (await deleteGrants(
      tx,
      gone.map(({ id }) => id),
    )) > 0
  )
    await noteChange(tx)
  return gone
}

/** Never counts: two changes at once must not end at the same number. */
function noteChange(tx: Queries): Promise<void> {
  return remember(tx, versionFact, randomUUID())
}

function fromRow(row: GrantRow): Grant {
  const { id, subject_kind: kind, subject: name, role, repository, images, managed_by: managedBy } = row
  return { id: Number(id), subject: { kind, name }, role, repository, images: JSON.parse(images), managedBy }
}

function toRow({ subject, role, repository, images }: GrantTerms, managedBy: Grant['managedBy'], now: number) {
  return {
    subject_kind: subject.kind,
    subject: subject.name,
    role,
    repository,
    images: JSON.stringify([...images].sort()),
    managed_by: managedBy,
    created_at: now,
  }
}
