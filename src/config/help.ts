import { describeGroups, describeMissing, type MissingDescription, type SettingDescription } from './describe.ts'

/** The settings as `entrepot serve --help` lists them: path, default and meaning, by section. */
export function settingsHelp(): string {
  const lines = [
    'Settings (YAML path, default, meaning). The variable of http.addr is ENTREPOT_HTTP_ADDR or REGISTRY_HTTP_ADDR.',
  ]
  for (const { path, settings } of describeGroups()) {
    lines.push('', path === '' ? 'general' : path)
    for (const setting of settings) {
      lines.push(
        `  ${setting.path}${setting.fallback === undefined ? '' : ` (${setting.fallback})`}`,
        `      ${plain(setting.meaning)}`,
      )
    }
  }
  return `${lines.join('\n')}\n`
}

/** The reference page, docs/configuration.md, whole. */
export function configurationPage(): string {
  const groups = describeGroups().map(({ path, meaning, settings }) =>
    [`## ${path === '' ? 'General' : `\`${path}\``}`, meaning, table(headings, settings.map(row))].join('\n\n'),
  )
  return `${[
    introduction,
    ...groups,
    '## Not supported by this version',
    'These keys are known and refused, because acting as if they were not written would surprise.',
    table(['Keys', 'Instead'], missingRows('refuse')),
    '## Without effect in this version',
    'These keys are accepted, and a warning says that they change nothing.',
    table(['Keys', 'Because'], missingRows('ignore')),
  ].join('\n\n')}\n`
}

const headings = ['Setting', 'Variables', 'Kind', 'Default', 'Meaning']

function row({ path, variable, kind, fallback, required, meaning }: SettingDescription): string[] {
  const variables = path === 'version' ? 'none' : `${code(`REGISTRY_${variable}`)}, ${code(`ENTREPOT_${variable}`)}`
  return [
    code(path),
    variables,
    cell(kind),
    required ? 'required' : fallback === undefined ? '' : code(fallback),
    cell(meaning),
  ]
}

/** One row for each advice, with all the keys it goes for. */
function missingRows(answer: MissingDescription['answer']): string[][] {
  const chosen = describeMissing().filter((missing) => missing.answer === answer)
  const byAdvice = Map.groupBy(chosen, ({ advice }) => advice)
  return [...byAdvice].map(([advice, keys]) => [keys.map(({ path }) => code(path)).join(', '), cell(advice)])
}

/** Columns are padded to one width: the formatter of the project would do it otherwise, and the page would differ from this text. */
function table(heads: string[], rows: string[][]): string {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((cells) => cells[column]!.length)))
  const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function code(value: string): string {
  return `\`${value}\``
}

/** A bar would start the next cell. */
function cell(value: string): string {
  return value.replaceAll('|', '\\|')
}

function plain(value: string): string {
  return value.replaceAll('`', '')
}

const introduction = `<!-- Written by \`bin/with-bun deploy/write-configuration-page.ts\` from src/config/settings.ts; do not edit. -->

# Configuration

Nothing needs to be configured: without a file, the registry listens on port 5000 and keeps everything in \`./data\`.
\`entrepot check-config --config FILE\` shows what a file and the variables amount to, and where each value comes from.

\`\`\`yaml
version: 0.1
dataDir: /var/lib/entrepot
log:
  level: info
http:
  addr: :443
  host: https://hub.example.com
  tls:
    certificate: /certs/hub.crt
    key: /certs/hub.key
auth:
  htpasswd:
    path: /etc/entrepot/htpasswd
storage:
  filesystem:
    rootdirectory: /var/lib/registry
\`\`\`

The file is YAML and reads the \`config.yml\` of registry:2 (distribution): its keys keep their names and meaning. Unknown keys and bad
values are errors. All are reported at once, each with its line and what to write instead, and the exit code is 2.

## Where a value comes from

Each of these wins over the ones before it:

1. the defaults below;
2. the file named by \`--config\`, else by \`ENTREPOT_CONFIGURATION_PATH\` or \`REGISTRY_CONFIGURATION_PATH\`;
3. variables that start with \`REGISTRY_\`;
4. variables that start with \`ENTREPOT_\`.

A variable's name is its prefix and the path of the setting in capitals, with \`_\` for each dot: \`http.tls.minimumtls\` is
\`ENTREPOT_HTTP_TLS_MINIMUMTLS\`, \`dataDir\` is \`ENTREPOT_DATADIR\`. Every setting has both names, except \`version\`, which only the file can set.

- The value is YAML, so a list can be written as \`[a, b]\`. Single texts, paths, URLs and passwords are taken as they stand, unless quoted.
- A variable may set a whole section, which replaces what the file says there: \`REGISTRY_STORAGE_MAINTENANCE_READONLY={"enabled": true}\`.
  \`REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED=true\` does the same.
- Variables are applied in the order of their names, so \`REGISTRY_AUTH=htpasswd\` replaces the section \`auth\` before \`REGISTRY_AUTH_HTPASSWD_PATH\` fills it.
- Elements of lists have numbers, from 0: \`REGISTRY_HTTP_TLS_CLIENTCAS_0\`. The number after the last one adds an element.
- Where the path has a name of your choice, it is in lower case unless the file has it already: \`ENTREPOT_BLOBSTORES_FAST_FILESYSTEM_ROOTDIRECTORY\`
  describes the store \`fast\`. Names of headers keep their case: \`REGISTRY_HTTP_HEADERS_X-Frame-Options=[DENY]\`.
- An unknown \`REGISTRY_\` variable is a warning, an unknown \`ENTREPOT_\` variable an error. What Kubernetes sets for services, such as
  \`REGISTRY_SERVICE_HOST\` and \`REGISTRY_PORT=tcp://...\`, is passed over.

An empty value means "not set". Relative paths are relative to the folder the process was started in; \`~\` has no meaning. Durations are numbers
with units, \`90s\`, \`1h30m\`, \`7d\`.`
