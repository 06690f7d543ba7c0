import { path } from '../kinds.ts'
import { sealingKeys } from '../repository-kinds.ts'
import { section, setting } from '../table.ts'

/** How secrets in the database are kept. */
export const secrets = section('The key that passwords for other servers are sealed with in the database.', {
  key: setting(
    sealingKeys,
    undefined,
    'The key itself, 32 bytes in hexadecimal or base64; several with commas between, the one to seal with first. Several instances need the same one.',
  ),
  keyFile: setting(
    path,
    undefined,
    'File of the key, made when it is first needed. Default: `secrets.key` in `dataDir`. Not used beside `secrets.key`.',
  ),
})
