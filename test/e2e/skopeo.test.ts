import { openSkopeo } from '../clients/skopeo.ts'
import { describeClient } from './client-flow.ts'

await describeClient('skopeo', () => openSkopeo(), { keepsManifests: true })
