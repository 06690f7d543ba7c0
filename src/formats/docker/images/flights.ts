/** Work that several callers want at once and that is done once. Nothing is remembered after it has ended. */
export interface Flights<Value> {
  /** What `work` resolves with or throws; joins the work of the same key that is going on. */
  share(key: string, work: () => Promise<Value>): Promise<Value>
}

export function createFlights<Value>(): Flights<Value> {
  const flying = new Map<string, Promise<Value>>()
  return {
    share(key, work) {
      const known = flying.get(key)
      if (known) return known
      const flight = work().finally(() => flying.delete(key))
      flying.set(key, flight)
      return flight
    },
  }
}
