import { afterEach, beforeEach, expect, test } from 'bun:test'
import { hour } from '../../test/helpers/content-lab.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { runInterleavings } from '../../test/suites/interleavings.ts'

describeOnEachDatabase('pushes, deletions and garbage collection at random, for a moment', (open) => {
  let opened: TestDatabase
  beforeEach(async () => {
    opened = await open()
  })
  afterEach(() => opened.close())

  for (const [seed, graceMs] of [0, hour].entries()) {
    test(`lose nothing and leave nothing with a grace time of ${graceMs} ms`, async () => {
      expect(await runInterleavings(opened, { seed, graceMs, milliseconds: 600 })).toBeGreaterThan(20)
    })
  }
})
