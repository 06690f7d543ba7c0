/** Where a program listens and what it serves. */
export interface Settings {
  port: number
  /** Everything the program stores. For a static file server: the folder it serves. */
  dataDir: string
  /** PEM files. */
  tls?: { certificate: string; key: string }
  /** A file as `htpasswd -B` writes it; without it everything is open. */
  htpasswd?: string
  /** Makes a registry a proxy of this one. */
  upstream?: string
  /** More settings, as environment variables; they win. */
  variables?: Record<string, string>
}

/** A server that can be started for a measurement. */
export interface Program {
  name: string
  /** Answers 200 (or 401 behind a password) once the program serves. */
  readyPath: string
  version(): Promise<string>
  /** The command that serves in the foreground. May write configuration files into the parent of `dataDir`. */
  command(settings: Settings): { argv: string[]; env: Record<string, string> }
}

/** What a data folder can be filled with before a measurement. Names are those in content.ts. */
export type Content = { kind: 'tags' | 'images' | 'references'; count: number }

/** A registry on either side of a comparison. */
export interface Registry extends Program {
  /** What an answered push is worth after a power cut, for the page. */
  durability: string
  /** False when a push counts as durable only after the file system was synced as well. */
  durableOnceAnswered: boolean
  /** Whether it honours `n` when it lists tags. */
  pagesTags: boolean
  /** Fills an empty data folder, with the program not running. `serve` starts it there and resolves with its address. */
  fill(dataDir: string, content: Content, serve: () => Promise<string>): Promise<void>
  /**
   * Settings that give it a hosted repository, a proxy of each of these upstreams, and a group of them all in this order. Absent: it knows no groups.
   * Images are addressed as `<name>/<image>` in the repository and in the group.
   */
  group?(upstreams: readonly string[]): { repository: string; group: string; variables: Record<string, string> }
  /** The command that scans every reference and deletes nothing. */
  garbageCollection(settings: Settings): { argv: string[]; env: Record<string, string> }
}
