/** Every command that reads the configuration has this option. */
export const configOption = ['--config <file>', 'YAML file, a superset of distribution’s config.yml'] as const

/**
 * Runs a command and makes what it returns the exit code; the process ends when nothing is left to do. Each command is loaded when it is
 * called: what `cert create` needs would double the time in which `serve` starts.
 */
export function exiting<Arguments extends unknown[]>(run: (...args: Arguments) => Promise<number> | number) {
  return async (...args: Arguments) => {
    process.exitCode = await run(...args)
  }
}
