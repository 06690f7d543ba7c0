import { plainAnswer } from '../http/compose.ts'
import type { Handler } from '../http/incoming.ts'
import type { Answering } from './order.ts'

const folder = '/.well-known/acme-challenge/'

export interface Challenges extends Answering {
  /** Served by plain HTTP where the authority looks: answers challenges, and sends everyone else to HTTPS. */
  handler: Handler
}

/** `httpsPort`: where the registry itself listens, which people who typed http:// are sent to. */
export function createChallenges(httpsPort: () => number): Challenges {
  const answers = new Map<string, string>()
  return {
    add: (token, keyAuthorization) => void answers.set(token, keyAuthorization),
    remove: (token) => void answers.delete(token),
    handler: ({ path, target, origin }) => {
      if (path.startsWith(folder)) {
        const answer = answers.get(path.slice(folder.length))
        return answer === undefined ? plainAnswer(404, 'no such challenge\n') : plainAnswer(200, answer)
      }
      const host = origin.host.replace(/:[0-9]+$/, '')
      const port = httpsPort() === 443 ? '' : `:${httpsPort()}`
      const location = `https://${host}${port}${target}`
      return new Response(null, { status: 308, headers: { location, 'content-length': '0' } })
    },
  }
}
