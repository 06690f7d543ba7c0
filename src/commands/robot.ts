import { AppError } from '../errors.ts'
import { robotNameOf } from '../identity/tokens/robots.ts'
import type { CommandIo } from './io.ts'
import {
  expiryFrom,
  limitsFrom,
  printNewToken,
  type TokenOptions,
  type TokenParts,
  withTokens,
} from './token-options.ts'

/** `entrepot robot create NAME`: a robot with its first token. The secret is the only thing on standard output. Returns the exit code. */
export function createRobot(
  word: string,
  options: TokenOptions & { description?: string | undefined },
  io: CommandIo,
): Promise<number> {
  return withTokens(options, io, async (parts) => {
    // Before there is a robot that lacks its token.
    limitsOf(options)
    expiryFrom(options.expires, Date.now())
    const { name } = await parts.robots.create({ name: nameIn(parts, word), description: options.description })
    parts.tell('robot.create', name)
    return printNewToken(parts, { kind: 'robot', name }, options, io)
  })
}

/** `entrepot robot token NAME`: a further token, for other limits or in place of an old one. */
export function createRobotToken(word: string, options: TokenOptions, io: CommandIo): Promise<number> {
  return withTokens(options, io, async (parts) => {
    limitsOf(options)
    const name = nameIn(parts, word)
    if (!(await parts.robots.find(name))) return nobody(name, io)
    return printNewToken(parts, { kind: 'robot', name }, options, io)
  })
}

/** `entrepot robot list`: a line for each, name, state and description with tabs between. */
export function listRobots(options: { config?: string; json?: boolean }, io: CommandIo): Promise<number> {
  return withTokens(options, io, async ({ robots }) => {
    const found = await robots.list()
    if (options.json) io.out.write(`${JSON.stringify(found)}\n`)
    else
      for (const { name, disabled, description } of found)
        io.out.write(`${name}\t${disabled ? 'disabled' : 'enabled'}\t${description}\n`)
    return 0
  })
}

/** `entrepot robot remove NAME`: with its tokens. */
export function removeRobot(word: string, options: { config?: string }, io: CommandIo): Promise<number> {
  return withTokens(options, io, async (parts) => {
    const name = nameIn(parts, word)
    if (!(await parts.robots.remove(name))) return nobody(name, io)
    parts.tell('robot.remove', name)
    io.err.write(`Removed ${name} and its tokens.\n`)
    return 0
  })
}

/** `entrepot robot disable NAME`, and `enable`. */
export function setRobotDisabled(
  word: string,
  disabled: boolean,
  options: { config?: string },
  io: CommandIo,
): Promise<number> {
  return withTokens(options, io, async (parts) => {
    const name = nameIn(parts, word)
    if (!(await parts.robots.setDisabled(name, disabled))) return nobody(name, io)
    parts.tell(disabled ? 'robot.disable' : 'robot.enable', name)
    io.err.write(disabled ? `${name} opens nothing until it is enabled.\n` : `Enabled ${name}.\n`)
    return 0
  })
}

function nameIn({ config }: TokenParts, word: string): string {
  return robotNameOf(word, config.robots.namePattern)
}

function limitsOf(options: TokenOptions): void {
  if (limitsFrom(options)) return
  throw new AppError('request-invalid', 'say what the robot may do: --repository NAME --actions pull,push')
}

function nobody(name: string, io: CommandIo): number {
  io.err.write(`There is no robot ${name}.\n`)
  return 1
}
