import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { stringify } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { directorySettings } from '../../src/identity/ldap/settings.ts'
import { createLdapSource, type LdapSource } from '../../src/identity/ldap/source.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { type OpenldapService, people, person, reader, startOpenldap, whyNoOpenldap } from '../services/openldap.ts'

const reason = await whyNoOpenldap()
const testMs = 60_000

describe.skipIf(reason !== undefined)('a directory that tells when passwords were changed', () => {
  let server: OpenldapService
  let source: LdapSource
  beforeAll(async () => {
    server = await startOpenldap({ directives: ['overlay ppolicy'] })
    await server.add([person('ada', 1001)])
    const ldap = { url: `${server.url}/${people}?uid`, startTls: true, ca: server.ca, ...reader }
    const { config } = loadConfig({ text: stringify({ ldap }), env: {}, cwd: '/nowhere' })
    source = createLdapSource(directorySettings(config.ldap)[0]!, { log: silentLog })
  }, testMs)
  afterAll(async () => {
    await source?.close()
    await server?.stop()
  }, testMs)

  const changePassword = (uid: string, password: string) =>
    server.modify(`dn: uid=${uid},${people}\nchangetype: modify\nreplace: userPassword\nuserPassword: ${password}\n`)

  test(
    'ends with a password what was given for it',
    async () => {
      await changePassword('ada', 'first-password')
      const found = await source.verify('ada', 'first-password')
      const credential = typeof found === 'string' ? '' : (found.credential ?? '')
      expect(credential).toMatch(/^\d{14}/)
      expect(await source.find!('ada', credential)).toMatchObject({ name: 'ada', credential })
      // The directory counts in seconds.
      await new Promise((resolve) => setTimeout(resolve, 1100))
      await changePassword('ada', 'second-password')
      expect(await source.find!('ada', credential)).toBeUndefined()
      expect(await source.find!('ada')).toMatchObject({ name: 'ada' })
    },
    testMs,
  )
})
