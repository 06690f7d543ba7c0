import {
  deleteRobot,
  findRobot,
  insertRobot,
  listRobots,
  type RobotRow,
  setRobotDisabled,
} from '../../database/access-tokens.ts'
import type { Database } from '../../database/database.ts'
import { AppError } from '../../errors.ts'
import { problemWithUserName } from '../user-name.ts'
import type { AccessTokens } from './access-tokens.ts'

/** A principal that is no person. It logs in with its name and one of its access tokens. */
export interface Robot {
  name: string
  /** A line for people. */
  description: string
  disabled: boolean
  /** Milliseconds since 1970. */
  createdAt: number
}

/** The robots, and the only way to change them. */
export interface Robots {
  /** Throws `request-invalid` for a name that may not be used, or is taken by a robot or a user. */
  create(robot: { name: string; description?: string | undefined }): Promise<Robot>
  find(name: string): Promise<Robot | undefined>
  /** By name. */
  list(): Promise<Robot[]>
  /** With its tokens. False: there is none. */
  remove(name: string): Promise<boolean>
  /** Its tokens stay and open nothing until it is enabled again. False: there is none. */
  setDisabled(name: string, disabled: boolean): Promise<boolean>
}

export interface RobotsOptions {
  db: Database
  tokens: Pick<AccessTokens, 'changing'>
  /** What names of robots look like, with one `*`: `robot-*`. */
  namePattern: string
  /** Whether somebody who is no robot has this name. */
  isUser(name: string): Promise<boolean>
  now: () => number
}

export function createRobots({ db, tokens, namePattern, isUser, now }: RobotsOptions): Robots {
  return {
    async create({ name, description = '' }) {
      const problem = problemWithUserName(name)
      if (problem) throw new AppError('request-invalid', problem)
      if (!isRobotName(name, namePattern))
        throw new AppError(
          'request-invalid',
          `names of robots look like ${namePattern} (robots.namePattern): ${JSON.stringify(name)}`,
        )
      if (await isUser(name))
        throw new AppError('request-invalid', `there is a user called ${name}: choose another name`)
      const row = { name, description, disabled: 0, created_at: now() }
      const isNew = await tokens.changing((tx) => insertRobot(tx, row))
      if (!isNew) throw new AppError('request-invalid', `there is a robot called ${name} already`)
      return fromRow(row)
    },
    async find(name) {
      const row = await findRobot(db.queries, name)
      return row && fromRow(row)
    },
    list: async () => (await listRobots(db.queries)).map(fromRow),
    remove: (name) => tokens.changing((tx) => deleteRobot(tx, name)),
    setDisabled: (name, disabled) => tokens.changing((tx) => setRobotDisabled(tx, name, disabled)),
  }
}

/** Whether a name looks as names of robots do, so that no user should have it. */
export function isRobotName(name: string, pattern: string): boolean {
  const [before = '', after = ''] = pattern.split('*')
  return name.length > before.length + after.length && name.startsWith(before) && name.endsWith(after)
}

/** The whole name for what a person calls a robot: `robot-ci` for `ci`, and for `robot-ci`. */
export function robotNameOf(word: string, pattern: string): string {
  return isRobotName(word, pattern) ? word : pattern.replace('*', () => word)
}

function fromRow({ name, description, disabled, created_at }: Omit<RobotRow, 'id'>): Robot {
  return { name, description, disabled: Number(disabled) === 1, createdAt: Number(created_at) }
}
