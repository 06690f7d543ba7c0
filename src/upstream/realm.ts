import type { AppError } from '../errors.ts'
import { failure } from './failures.ts'

/**
 * The token server an upstream sends us to. Throws `upstream-failed` when it is no web address, or when a password would go over plain HTTP although the
 * upstream itself speaks TLS (its own host and loopback excepted). That it is no forbidden address is checked where the request is sent.
 */
export function checkRealm(text: string, upstream: URL, hasAccount: boolean, name: string): URL {
  const refuse = (what: string): AppError =>
    failure('upstream-failed', { upstream: name, host: upstream.host }, `its token server ${what}`, {
      detail: { realm: text.slice(0, 300) },
    })
  if (!URL.canParse(text)) throw refuse('is not a full URL')
  const realm = new URL(text)
  if (realm.protocol !== 'http:' && realm.protocol !== 'https:')
    throw refuse(`is at ${realm.protocol}, not http or https`)
  if (realm.username !== '' || realm.password !== '') throw refuse('has a user name in its URL')
  const isNear = realm.hostname === upstream.hostname || /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(realm.hostname)
  if (hasAccount && realm.protocol === 'http:' && upstream.protocol === 'https:' && !isNear) {
    throw refuse(`${realm.host} is reached over plain http; the credentials of an https upstream are not sent there`)
  }
  realm.hash = ''
  return realm
}
