/** Things to close in reverse order of opening. */
export interface Closers {
  /** Returns what it was given, for use in an assignment. */
  add<T extends { close(): Promise<void> | void }>(part: T): T
  /** Closes everything, also after a failure, and then throws what failed first. */
  closeAll(): Promise<void>
}

export function createClosers(): Closers {
  const parts: { close(): Promise<void> | void }[] = []
  return {
    add(part) {
      parts.push(part)
      return part
    },
    async closeAll() {
      const failures: unknown[] = []
      for (const part of parts.splice(0).reverse()) {
        try {
          await part.close()
        } catch (error) {
          failures.push(error)
        }
      }
      if (failures.length > 0) throw failures[0]
    },
  }
}
