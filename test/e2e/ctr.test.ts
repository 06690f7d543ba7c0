import { openCtr } from '../clients/ctr.ts'
import { describeClient } from './client-flow.ts'

await describeClient('ctr', ({ host, credentials }) => openCtr(host, credentials), { keepsManifests: true })
