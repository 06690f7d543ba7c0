import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { attempt, run, Unavailable } from '../helpers/process.ts'

const policyFile = '/usr/sbin/policy-rc.d'
const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' }
const settings = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', '-o', 'Dpkg::Options::=--force-unsafe-io']

/** Why Debian packages cannot be installed here, undefined when they can. */
export function whyNoPackages(): string | undefined {
  if (!existsSync('/usr/bin/apt-get')) return 'apt-get is not there (Debian or a derivative is needed)'
  if (process.getuid?.() !== 0) return 'only root can install packages'
  return undefined
}

/** Why tests that need these packages are skipped here; undefined: they are installed now. */
export async function whyWithout(...names: string[]): Promise<string | undefined> {
  try {
    await installPackages(...names)
    return undefined
  } catch (error) {
    if (error instanceof Unavailable) return error.message
    throw error
  }
}

/** The packages of `names` that are not fully installed. */
export async function missingPackages(names: string[]): Promise<string[]> {
  if (!existsSync('/usr/bin/dpkg-query')) return names
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const { stdout } = await attempt(['dpkg-query', '-W', '-f', '${Package} ${db:Status-Abbrev}\n', ...names])
  const installed = new Set(stdout.split('\n').flatMap((line) => (/^(\S+) ii/.exec(line) ?? []).slice(1)))
  return names.filter((name) => !installed.has(name))
}

/**
 * Sees to it that Debian packages are there; quick when they are. No daemon is started by their scripts.
 * Throws `Unavailable` naming the packages and the reason when they are missing and cannot be installed.
 */
export async function installPackages(...names: string[]): Promise<void> {
  const missing = await missingPackages(names)
  if (missing.length === 0) return
  const reason = whyNoPackages()
  if (reason) throw new Unavailable(`Debian packages ${missing.join(', ')} are missing and ${reason}`)
  const guard = !existsSync(policyFile)
  if (guard) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const install = ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...settings, ...missing]
    if ((await attempt(install, { env, timeoutMs: 600_000 })).code === 0) return
    // The package lists are old or absent.
    await run(['apt-get', 'update', '-qq', ...settings], { env, timeoutMs: 300_000 })
    await run(install, { env, timeoutMs: 600_000 })
  } finally {
    if (guard) rmSync(policyFile, { force: true })
  }
}
