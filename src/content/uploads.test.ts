import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { hour, type Instance, type Lab, minute, once, openLab } from '../../test/helpers/content-lab.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { failingAfter, stuckAfter } from '../../test/helpers/streams.ts'
import type { AppError } from '../errors.ts'
import { digestOf } from './digest.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const nothing = () => once(new Uint8Array())

describeOnEachDatabase('uploads', (open) => {
  let opened: TestDatabase
  let lab: Lab
  let here: Instance
  let there: Instance
  beforeEach(async () => {
    opened = await open()
    lab = await openLab(opened)
    here = await lab.instance()
    there = await lab.instance()
  })
  afterEach(async () => {
    await lab.check()
    await opened.close()
  })

  const start = () => here.uploads.start(here.placeOf('app'))
  const find = async (instance: Instance, id: string) => (await instance.uploads.find(instance.placeOf('app'), id))!

  test('an upload begun by one instance is continued and finished by another', async () => {
    const { id } = await start()
    expect(await here.uploads.append(await find(here, id), { bytes: once('hello ') })).toBe(6)
    const upload = await find(there, id)
    expect(upload.size).toBe(6)
    const digest = digestOf(bytes('hello world'))
    await there.uploads.finish(upload, digest, { bytes: once('world'), range: { start: 6, length: 5 } })
    expect(await here.pull('app', digest)).toBe('hello world')
    expect(await here.uploads.find(here.placeOf('app'), id)).toBeUndefined()
  })

  test('an upload is found only under its own image', async () => {
    const { id } = await start()
    expect(await here.uploads.find(here.placeOf('other'), id)).toBeUndefined()
    expect(await here.uploads.find(here.placeOf('app'), crypto.randomUUID())).toBeUndefined()
  })

  test('a chunk out of order changes nothing and says where to go on', async () => {
    const upload = await start()
    await here.uploads.append(upload, { bytes: once('12345') })
    const wrong = here.uploads.append(upload, { bytes: once('x'), range: { start: 6, length: 1 } })
    const error = (await wrong.catch((reason) => reason)) as AppError
    expect(error).toMatchObject({ code: 'range-invalid', detail: { offset: 5 }, headers: { range: '0-4' } })
    expect((await find(here, upload.id)).size).toBe(5)
  })

  test('a chunk shorter than announced is refused, and nothing of it stays', async () => {
    const upload = await start()
    const short = here.uploads.append(upload, { bytes: once('123'), range: { start: 0, length: 5 } })
    expect(short).rejects.toMatchObject({ code: 'size-invalid' })
    await short.catch(() => undefined)
    expect((await find(here, upload.id)).size).toBe(0)
  })

  test('what arrived of a chunk before its client broke off stays and counts', async () => {
    const upload = await start()
    const broken = here.uploads.append(upload, { bytes: failingAfter('hel', new Error('gone')) })
    expect(broken).rejects.toThrow('gone')
    await broken.catch(() => undefined)
    const digest = digestOf(bytes('hello'))
    await here.uploads.finish(await find(here, upload.id), digest, {
      bytes: once('lo'),
      range: { start: 3, length: 2 },
    })
    expect(await here.pull('app', digest)).toBe('hello')
  })

  test('a closing request whose client broke off can be sent again as it was', async () => {
    const upload = await start()
    await here.uploads.append(upload, { bytes: once('hello ') })
    const digest = digestOf(bytes('hello world'))
    const broken = here.uploads.finish(upload, digest, { bytes: failingAfter('wor', new Error('gone')) })
    expect(broken).rejects.toThrow('gone')
    await broken.catch(() => undefined)
    await there.uploads.finish(await find(there, upload.id), digest, { bytes: once('world') })
    expect(await here.pull('app', digest)).toBe('hello world')
  })

  test('wrong bytes are refused with both digests, and nothing of them stays', async () => {
    const upload = await start()
    const expected = digestOf(bytes('right'))
    const refused = here.uploads.finish(upload, expected, { bytes: once('wrong') })
    const received = digestOf(bytes('wrong'))
    expect(refused).rejects.toMatchObject({ code: 'digest-invalid', detail: { expected, received, size: 5 } })
    await refused.catch(() => undefined)
    expect(await lab.remains()).toEqual({})
  })

  test('sha512 digests and empty blobs are stored as well', async () => {
    const long = digestOf(bytes('long'), 'sha512')
    await here.push('app', 'long', long)
    expect(await there.pull('app', long)).toBe('long')
    const empty = await here.push('app', '')
    expect(await there.pull('app', empty)).toBe('')
    const late = await start()
    await here.uploads.append(late, { bytes: once('late') })
    await here.uploads.finish(await find(here, late.id), digestOf(bytes('late'), 'sha512'), { bytes: nothing() })
    expect(await here.pull('app', digestOf(bytes('late'), 'sha512'))).toBe('late')
  })

  test('a second request waits for the first one of the same upload and goes on where it ended', async () => {
    const upload = await start()
    const gate = Promise.withResolvers<void>()
    async function* slow() {
      yield bytes('first ')
      await gate.promise
      yield bytes('second ')
    }
    const first = here.uploads.append(upload, { bytes: slow() })
    const second = here.uploads.append(upload, { bytes: once('third') })
    gate.resolve()
    expect(await first).toBe(13)
    expect(await second).toBe(18)
  })

  test('a second request is told where the upload is when the first one does not end', async () => {
    const upload = await start()
    const stop = new AbortController()
    const stuck = stuckAfter('hello')
    const first = here.uploads.append(upload, { bytes: stuck.bytes, signal: stop.signal })
    await stuck.isWaiting
    expect(here.uploads.append(upload, { bytes: once('x') })).rejects.toMatchObject({ code: 'range-invalid' })
    await here.uploads.append(upload, { bytes: once('x') }).catch(() => undefined)
    stop.abort(new Error('given up'))
    expect(first).rejects.toThrow('given up')
    await first.catch(() => undefined)
    expect((await find(here, upload.id)).size).toBe(5)
  })

  test('what was cancelled is gone', async () => {
    const upload = await start()
    await here.uploads.append(upload, { bytes: once('x') })
    await there.uploads.cancel(upload)
    expect(here.uploads.append(upload, { bytes: once('y'), range: { start: 1, length: 1 } })).rejects.toThrow()
    await here.uploads.append(upload, { bytes: once('y'), range: { start: 1, length: 1 } }).catch(() => undefined)
    expect(await lab.remains()).toEqual({})
  })

  test('a purge takes what nobody wrote to for so long, and nothing that is being written', async () => {
    const [old, busy, young] = [await start(), await start(), await start()]
    await here.uploads.append(old, { bytes: once('old') })
    lab.advance(2 * hour)
    await here.uploads.append(young, { bytes: once('young') })
    const stop = new AbortController()
    const stuck = stuckAfter('busy')
    const writing = here.uploads.append(busy, { bytes: stuck.bytes, signal: stop.signal })
    await stuck.isWaiting
    expect(await here.uploads.purge(hour, { dryRun: true })).toBe(1)
    expect(await here.uploads.purge(hour)).toBe(1)
    stop.abort(new Error('enough'))
    await writing.catch(() => undefined)
    expect(await here.uploads.find(here.placeOf('app'), old.id)).toBeUndefined()
    expect(await find(here, busy.id)).toMatchObject({ size: 4 })
    expect(await find(here, young.id)).toMatchObject({ size: 5 })
  })

  test('a sweep removes staged bytes without an upload, and strangers only when they are old', async () => {
    const upload = await start()
    await here.uploads.append(upload, { bytes: once('kept') })
    await lab.driver.append(crypto.randomUUID(), 0, once('left by a crash'))
    await lab.driver.append('write-1', 0, once('being written'))
    lab.clock.time = Date.now()
    expect(await here.uploads.sweep('default')).toBe(1)
    lab.advance(2 * hour)
    expect(await here.uploads.sweep('default')).toBe(1)
    expect(await find(here, upload.id)).toMatchObject({ size: 4 })
  })
})

/** Only where instances share a database does one have to reckon with another that has died, or only seems to have. */
describe.skipIf(!process.env['ENTREPOT_TEST_POSTGRES'])('uploads of instances that die', () => {
  let opened: TestDatabase
  let lab: Lab
  beforeEach(async () => {
    const { openTestPostgres } = await import('../../test/helpers/databases.ts')
    opened = await openTestPostgres(process.env['ENTREPOT_TEST_POSTGRES']!)
    lab = await openLab(opened)
  })
  afterEach(() => opened.close())

  /** An upload whose first chunk an instance is still receiving. */
  async function held() {
    const [dying, other] = [await lab.instance(), await lab.instance()]
    const upload = await dying.uploads.start(dying.placeOf('app'))
    const gate = Promise.withResolvers<void>()
    async function* slow() {
      yield bytes('hello ')
      await gate.promise
      yield bytes('world')
    }
    return { dying, other, upload, slow, gate }
  }

  test('another instance is kept out until nothing was heard for a while, and then let in', async () => {
    const { dying, other, upload, slow, gate } = await held()
    const first = dying.uploads.append(upload, { bytes: slow() })
    first.catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const early = other.uploads.append(upload, { bytes: once('x') })
    expect(early).rejects.toMatchObject({ code: 'range-invalid' })
    await early.catch(() => undefined)
    lab.advance(minute)
    expect(await other.uploads.append(upload, { bytes: once('taken over') })).toBeGreaterThan(0)
    gate.resolve()
    await first.catch(() => undefined)
  })

  test('who was thought dead cannot finish an upload that another one took over', async () => {
    const { dying, other, upload, slow, gate } = await held()
    const digest = digestOf(bytes('hello world'))
    const first = dying.uploads.finish(upload, digest, { bytes: slow() })
    first.catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 50))
    lab.advance(minute)
    await other.uploads.append(upload, { bytes: once('something else') })
    gate.resolve()
    const outcome = await first.catch((error) => error)
    expect(outcome).toMatchObject({ name: 'AppError' })
    expect(await other.pull('app', digest)).toBeUndefined()
  })

  test('instances that take turns never trust a hash of bytes that were replaced', async () => {
    const [here, there] = [await lab.instance(), await lab.instance()]
    const { id } = await here.uploads.start(here.placeOf('app'))
    const find = async (instance: Instance) => (await instance.uploads.find(instance.placeOf('app'), id))!
    await here.uploads.append(await find(here), { bytes: once('honest') })
    // The bytes get lost, as on a full disk, and other bytes of the same length come through another instance.
    await lab.driver.discard(id)
    await there.uploads.append(await find(there), { bytes: once('deceit') })
    const finished = here.uploads.finish(await find(here), digestOf(bytes('honest')), { bytes: nothing() })
    expect(finished).rejects.toMatchObject({ code: 'digest-invalid' })
    await finished.catch(() => undefined)
  })
})
