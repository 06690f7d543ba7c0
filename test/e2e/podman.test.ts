import { openPodman } from '../clients/podman.ts'
import { describeClient } from './client-flow.ts'

await describeClient('podman', openPodman, { keepsManifests: false })
