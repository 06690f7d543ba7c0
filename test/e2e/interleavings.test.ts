import { afterEach, beforeEach, expect, test } from 'bun:test'
import { hour } from '../helpers/content-lab.ts'
import { describeOnEachDatabase, type TestDatabase } from '../helpers/databases.ts'
import { runInterleavings } from '../suites/interleavings.ts'

describeOnEachDatabase('pushes, deletions and garbage collection at random, for longer', (open) => {
  let opened: TestDatabase
  beforeEach(async () => {
    opened = await open()
  })
  afterEach(() => opened.close())

  for (const [index, graceMs] of [0, hour].entries()) {
    test(`lose nothing and leave nothing with a grace time of ${graceMs} ms`, async () => {
      // How much it gets done is for the disk to say; that it did something is for the test.
      expect(await runInterleavings(opened, { seed: 1000 + index, graceMs, milliseconds: 10_000 })).toBeGreaterThan(50)
    }, 60_000)
  }
})
