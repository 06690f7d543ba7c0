import type { Log } from '../telemetry/log.ts'

export interface ScheduledTask {
  /** For the log: `gc`, `upload purge`. */
  name: string
  /** Milliseconds from the end of one run to the start of the next. */
  everyMs: number
  /** Milliseconds to the first run. */
  firstAfterMs: number
  run(signal: AbortSignal): Promise<unknown>
}

export interface Schedule {
  /** Asks running tasks to end and waits for them. */
  close(): Promise<void>
}

/** Runs each task again and again, never twice at once. A task that fails is logged and tried again at its next turn. */
export function startSchedule(tasks: ScheduledTask[], log: Log): Schedule {
  const stop = new AbortController()
  const running = new Set<Promise<void>>()
  const timers = new Map<string, NodeJS.Timeout>()

  function plan(task: ScheduledTask, afterMs: number): void {
    if (stop.signal.aborted) return
    const timer = setTimeout(() => {
      const run = runOnce(task).finally(() => {
        running.delete(run)
        plan(task, task.everyMs)
      })
      running.add(run)
    }, afterMs)
    timers.set(task.name, timer)
  }

  async function runOnce(task: ScheduledTask): Promise<void> {
    try {
      await task.run(stop.signal)
    } catch (error) {
      log.error(`${task.name} failed and is tried again later`, { error })
    }
  }

  for (const task of tasks) plan(task, task.firstAfterMs)
  return {
    async close() {
      stop.abort()
      for (const timer of timers.values()) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}
