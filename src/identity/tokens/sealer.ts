import type { Config } from '../../config/config.ts'
import type { Database, Queries } from '../../database/database.ts'
import { changeSigningKey, listSigningKeys } from '../../database/signing-keys.ts'
import type { Secrets } from '../../secrets/secrets.ts'

/** Keeps a text secret at rest. */
export interface Sealer {
  /** The text in a form that says nothing about it to whoever reads the database. */
  seal(text: string): string | Promise<string>
  /** The text again. Throws when the envelope is not one of ours or was changed. */
  open(envelope: string): string | Promise<string>
}

/** Stores as it stands: for an installation without a key for its secrets. */
export const plainSealer: Sealer = { seal: (text) => text, open: (envelope) => envelope }

/**
 * Seals signing keys with the key for secrets. Not where instances share a database and were given no such key: each would make one of its own, and could not
 * read what another has sealed. Opens both forms.
 */
export function signingKeySealer(
  config: Pick<Config, 'secrets'>,
  db: Pick<Database, 'shared'>,
  secrets: Secrets,
): Sealer {
  const { key, keyFile } = config.secrets
  const isPlain = db.shared && key === undefined && keyFile === undefined
  return {
    seal: (text) => (isPlain ? text : secrets.seal(text)),
    open: (envelope) => (secrets.isSealed(envelope) ? secrets.open(envelope) : envelope),
  }
}

/** Seals the signing keys anew with the current key for secrets, those that are sealed. Returns how many. Throws `unavailable` when one cannot be opened. */
export async function resealSigningKeys(queries: Queries, secrets: Secrets): Promise<number> {
  let changed = 0
  for (const { number, private_key: envelope } of await listSigningKeys(queries)) {
    if (!secrets.isSealed(envelope) || secrets.isCurrent(envelope)) continue
    await changeSigningKey(queries, Number(number), { private_key: secrets.seal(secrets.open(envelope)) })
    changed += 1
  }
  return changed
}
