import { spawnSync } from 'node:child_process'

/** Commands that benchmarks use, and the Debian package that has each. */
const packages: Record<string, string> = {
  wrk: 'wrk',
  nginx: 'nginx-light',
  'docker-registry': 'docker-registry',
  htpasswd: 'apache2-utils',
  openssl: 'openssl',
  curl: 'curl',
}

/** Keeping Debian from starting what it installs takes a policy for the whole system, which is not a benchmark's to write. */
const services =
  'Debian may have started services with them: systemctl disable --now nginx docker-registry stops those.'

/**
 * Makes sure every command is there, installing Debian packages for those that are not. Throws an Error with the line to type
 * when that is not possible (not root, not Debian, no network).
 */
export function ensureTools(): void {
  const missing = Object.keys(packages).filter((command) => !present(command))
  if (missing.length === 0) return
  const names = missing.map((command) => packages[command]!)
  const line = `apt-get install -y --no-install-recommends ${names.join(' ')}`
  console.error(`bench: installing ${names.join(', ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const installed =
    process.getuid?.() === 0 &&
    present('apt-get') &&
    (spawnSync('sh', ['-c', line], { env, stdio: 'ignore' }).status === 0 ||
      spawnSync('sh', ['-c', `apt-get update && ${line}`], { env, stdio: 'ignore' }).status === 0)
  const still = missing.filter((command) => !present(command))
  if (installed && still.length === 0) {
    console.error(`bench: installed. ${services}`)
    return
  }
  throw new Error(
    `the benchmarks need ${still.join(', ')}. Install them on a Debian or Ubuntu machine, as root:\n  ${line}\n${services}`,
  )
}

function present(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}
