import { run, Unavailable } from '../helpers/process.ts'
import { browserPackages } from '../services/chromium.ts'
import { goTool, goToolNames } from '../services/go-tools.ts'
import { installOpenldap } from '../services/openldap.ts'
import { installPackages } from '../services/packages.ts'
import { installPostgres } from '../services/postgres.ts'

const packages = [
  ...['docker.io', 'containerd', 'runc', 'podman', 'buildah', 'skopeo'],
  ...['nginx-light', 'libnginx-mod-stream', 'haproxy', 'docker-registry', 'curl', 'tinyproxy', 'squid'],
  ...browserPackages,
]

/**
 * Installs and builds beforehand what the slow tests use, so that their time is their own. Each test still gets what it needs by itself.
 * Throws `Unavailable` when packages cannot be installed here.
 */
export async function prepare(): Promise<void> {
  for (const name of goToolNames) {
    try {
      await timed(name, () => goTool(name))
    } catch (error) {
      // The tests of that program say so again, and count it.
      console.log(`  ${error instanceof Unavailable ? error.message : `${name} could not be built: ${error}`}`)
    }
  }
  await timed('the web page', () => run(['bin/build-web-if-stale']))
  await timed('Debian packages', () => installPackages(...packages))
  await timed('PostgreSQL', installPostgres)
  await timed('OpenLDAP', installOpenldap)
}

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const started = performance.now()
  await work()
  const seconds = (performance.now() - started) / 1000
  if (seconds > 1) console.log(`  prepared ${what} in ${seconds.toFixed(0)} s`)
}
