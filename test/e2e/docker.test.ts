import { openDocker } from '../clients/docker.ts'
import { describeClient } from './client-flow.ts'

/** docker searches by the old protocol only, which docker-registry does not speak. */
async function open() {
  const { search, ...rest } = await openDocker()
  return process.env.ENTREPOT_TEST_SERVER === 'docker-registry' ? rest : { ...rest, search: search! }
}

await describeClient('docker', open, { keepsManifests: false })
