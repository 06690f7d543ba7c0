import { openOras } from '../clients/oras.ts'
import { describeClient } from './client-flow.ts'

await describeClient('oras', openOras, { keepsManifests: true })
