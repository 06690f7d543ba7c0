import { openCrane } from '../clients/crane.ts'
import { describeClient } from './client-flow.ts'

await describeClient('crane', openCrane, { keepsManifests: true })
