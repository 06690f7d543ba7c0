import { AppError } from '../errors.ts'
import { type AccessToken, isLive } from '../identity/tokens/access-tokens.ts'
import type { CommandIo } from './io.ts'
import { describeToken, printNewToken, type TokenOptions, withTokens } from './token-options.ts'

/** `entrepot token create USER`: a personal access token. Its secret is the only thing on standard output. Returns the exit code. */
export function createToken(user: string, options: TokenOptions, io: CommandIo): Promise<number> {
  return withTokens(options, io, async (parts) => {
    if (!(await parts.isUser(user)))
      throw new AppError(
        'request-invalid',
        `there is no user ${JSON.stringify(user)} in the database or the htpasswd file`,
      )
    return printNewToken(parts, { kind: 'user', name: user }, options, io)
  })
}

/** `entrepot token list`: a line for each token that opens something, or with `--all` each there ever was. */
export function listTokens(
  options: { config?: string; user?: string; all?: boolean; json?: boolean },
  io: CommandIo,
): Promise<number> {
  return withTokens(options, io, async ({ tokens }) => {
    const found = (await tokens.list()).filter(
      (token) =>
        (options.all || isLive(token, Date.now())) && (options.user === undefined || token.owner.name === options.user),
    )
    if (options.json) io.out.write(`${JSON.stringify(found)}\n`)
    else for (const token of found) io.out.write(`${lineOf(token)}\n`)
    return 0
  })
}

/** `entrepot token revoke ID`. Returns the exit code: 1 also when there is nothing to revoke. */
export function revokeToken(id: string, options: { config?: string }, io: CommandIo): Promise<number> {
  return withTokens(options, io, async ({ tokens, tell }) => {
    if (!/^\d{1,15}$/.test(id)) throw new AppError('request-invalid', `${JSON.stringify(id)} is no number of a token`)
    const token = await tokens.find(Number(id))
    if (!token || !(await tokens.revoke(Number(id)))) {
      io.err.write(`There is no token ${id}, or it was revoked before.\n`)
      return 1
    }
    tell('token.revoke', `${token.owner.name}, token ${id}`)
    io.err.write(`Revoked token ${id} of ${token.owner.name}; a running server notices it within seconds.\n`)
    return 0
  })
}

/** Fields with a tab between: number, owner, name, state, last use, what it may. */
function lineOf(token: AccessToken): string {
  const { id, owner, name, lastUsedAt, revokedAt } = token
  const state = revokedAt !== undefined ? 'revoked' : isLive(token, Date.now()) ? 'valid' : 'expired'
  const used = lastUsedAt === undefined ? 'never used' : `used ${new Date(lastUsedAt).toISOString().slice(0, 16)}Z`
  return [id, owner.name, name, state, used, describeToken(token)].join('\t')
}
