import { openRegctl } from '../clients/regctl.ts'
import { describeClient } from './client-flow.ts'

await describeClient('regctl', ({ host }) => openRegctl(host), { keepsManifests: true })
