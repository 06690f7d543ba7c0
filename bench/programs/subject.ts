import type { Registry } from '../harness/program.ts'
import { dockerRegistry } from './docker-registry.ts'
import { entrepot } from './entrepot.ts'

/**
 * What is measured: Entrepot, unless `BENCH_SUBJECT=docker-registry` puts the peer in its place. All ratios must then be about 1, which
 * proves the harness itself. Throws an Error for any other value.
 */
export function chooseSubject(name: string | undefined): { subject: Registry; standIn: boolean } {
  if (!name || name === 'entrepot') return { subject: entrepot, standIn: false }
  if (name === 'docker-registry') {
    return { subject: { ...dockerRegistry, name: 'docker-registry (stand-in)' }, standIn: true }
  }
  throw new Error(`BENCH_SUBJECT=${name} is unknown: leave it out, or say entrepot or docker-registry`)
}
