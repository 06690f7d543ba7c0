/** What a command talks to: the process's own streams, or a test's. */
export interface CommandIo {
  /** The result and nothing else, so that scripts can read it. */
  out: { write(text: string): unknown }
  /** Everything said to a person. */
  err: { write(text: string): unknown }
  stdin: AsyncIterable<Uint8Array>
}
