/** Lets a few tasks run at once and a few more wait. */
export interface Gate {
  /** Runs the task when its turn comes; undefined, without running it, when the queue is full. */
  run<T>(task: () => Promise<T>): Promise<T> | undefined
}

/** A gate for `slots` running and `waiting` queued tasks, first come first served. */
export function createGate(slots: number, waiting: number): Gate {
  const queue: (() => void)[] = []
  let running = 0

  async function occupy<T>(task: () => Promise<T>): Promise<T> {
    if (running >= slots) await new Promise<void>((turn) => queue.push(turn))
    else running++
    try {
      return await task()
    } finally {
      // A slot goes straight to the next in line, so nobody slips in between.
      const next = queue.shift()
      if (next) next()
      else running--
    }
  }

  return {
    run: (task) => (running >= slots && queue.length >= waiting ? undefined : occupy(task)),
  }
}
