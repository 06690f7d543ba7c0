/** Keeps a text secret at rest. */
export interface Sealer {
  /** The text in a form that says nothing about it to whoever reads the database. */
  seal(text: string): string | Promise<string>
  /** The text again. Throws when the envelope is not one of ours or was changed. */
  open(envelope: string): string | Promise<string>
}

/** Stores as it stands: for an installation without a key for its secrets. */
export const plainSealer: Sealer = { seal: (text) => text, open: (envelope) => envelope }
