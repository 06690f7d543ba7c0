import { describeDriver } from '../../test/suites/storage-driver.ts'
import { createInMemoryContents, createInMemoryDriver } from './inmemory.ts'

describeDriver('inmemory', async () => {
  const contents = createInMemoryContents()
  return { open: async () => createInMemoryDriver(contents), destroy: async () => {} }
})
