import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os'

/** One line each about the machine and its system, for the page: label and text. */
export function describeMachine(folder: string): [label: string, text: string][] {
  const processors = cpus()
  return [
    ['processor', `${processors.length} cores, ${processors[0]?.model ?? 'unknown'}, ${arch()}`],
    ['memory', `${Math.round(totalmem() / 2 ** 30)} GiB`],
    ['system', `${distribution()}, ${type()} ${release()}`],
    ['disk', describeDisk(folder)],
    [
      'load before the run',
      loadavg()
        .map((load) => load.toFixed(2))
        .join(', '),
    ],
  ]
}

function distribution(): string {
  return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown system'
}

function describeDisk(folder: string): string {
  const columns = ask('findmnt', '-no', 'SOURCE,FSTYPE,OPTIONS', '-T', folder)
  if (!columns) return 'unknown'
  const [device = '', fileSystem = ''] = columns.split(/\s+/)
  const [rotational, model] = ask('lsblk', '-dno', 'ROTA,MODEL', device)?.split(/\s+/) ?? []
  // Virtual disks call themselves rotational without a model: saying "hard disk" of them would be a guess.
  const kind = model ? `${model}, ${rotational === '1' ? 'rotational' : 'solid state'}` : 'virtual, kind unknown'
  return `${fileSystem} on ${device} (${kind})`
}

function ask(command: string, ...argv: string[]): string | undefined {
  try {
    return execFileSync(command, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    // The tool is absent or does not know the device: the page then says "unknown".
    return undefined
  }
}
