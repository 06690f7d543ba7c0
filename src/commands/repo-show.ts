import { stringify } from 'yaml'
import type { Usage } from '../database/usage.ts'
import type { RepositoryView } from '../repositories/service.ts'
import { formatBytes } from './format.ts'

/** Repositories as lines with aligned columns. */
export function table(views: readonly RepositoryView[]): string {
  const rows = [
    ['NAME', 'TYPE', 'STATE', 'STORE', 'MANAGED BY', 'DESCRIPTION'],
    ...views.map((view) => [
      view.name,
      view.type,
      stateOf(view),
      view.type === 'group' ? '' : String(view.settings['blobStore'] ?? 'default'),
      view.managedBy,
      String(view.settings['description'] ?? ''),
    ]),
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: string[]) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}

function stateOf({ online, trouble }: RepositoryView): string {
  if (!online) return 'offline'
  return trouble === undefined ? 'online' : 'in trouble'
}

/** One repository in YAML; what is no setting of it is in comments. */
export function shownRepository(view: RepositoryView, { bytes, tags, images }: Usage): string {
  const lines = [
    `# managed by the ${view.managedBy}, made ${new Date(view.createdAt).toISOString()}`,
    `# ${images} images, ${tags} tags, ${formatBytes(bytes)}`,
    ...(view.trouble === undefined ? [] : [`# offline: ${view.trouble}`]),
  ]
  return `${lines.join('\n')}\n${stringify(view.settings, { lineWidth: 0 })}`
}
