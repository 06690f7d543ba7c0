import { openBuildah } from '../clients/podman.ts'
import { describeClient } from './client-flow.ts'

await describeClient('buildah', openBuildah, { keepsManifests: false })
