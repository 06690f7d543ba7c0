import { compileAccess, type Decision } from '../access/access.ts'
import { type Action, repositoryActions } from '../access/decide.ts'
import { usersMayAll } from '../access/declared.ts'
import { grantText } from '../access/grant.ts'
import { rolesWith } from '../access/roles.ts'
import { createClosers } from '../closers.ts'
import type { Config } from '../config/config.ts'
import type { Database } from '../database/database.ts'
import { findUser } from '../database/users.ts'
import { AppError } from '../errors.ts'
import { targetsOf } from '../formats/docker/images/targets.ts'
import { anonymous, type KnownPrincipal, type Principal } from '../identity/principal.ts'
import { whoLooks } from '../repositories/places.ts'
import { writableMemberOf } from '../repositories/repositories.ts'
import { loadOrExplain } from './configured.ts'
import { grantsOf } from './grant.ts'
import type { CommandIo } from './io.ts'
import { openIfThere, parseImage, repositoriesOf, viewFor } from './reference.ts'
import { reporting } from './user.ts'

export interface Question {
  /** `anonymous`: nobody has logged in. */
  user: string
  /** As clients write it. */
  image: string
  action: string
  /** The name is that of a robot. */
  robot?: boolean | undefined
  /** With commas between them: what the user's directory would say. */
  groups?: string | undefined
  config?: string | undefined
}

/**
 * `entrepot access explain USER IMAGE ACTION [--groups a,b] [--robot]`: whether they may, which grant decides, and what to do to change it. Asks configuration and
 * database alone, no directory and no server. Returns the exit code: 0 they may, 1 they may not, 2 misused.
 */
export async function explainAccess(question: Question, io: CommandIo): Promise<number> {
  const config = loadOrExplain(question, io)
  if (!config) return 2
  return reporting(io, async () => {
    const closers = createClosers()
    try {
      return await answer(question, config, await openIfThere(config, closers), io)
    } finally {
      await closers.closeAll()
    }
  })
}

async function answer(question: Question, config: Config, db: Database | undefined, io: CommandIo): Promise<number> {
  const say = (line: string) => void io.out.write(`${line}\n`)
  const action = actionOf(question.action)
  const wanted = parseImage(question.image)
  const repositories = await repositoriesOf(config, db)
  const { repository, image } = viewFor(config, wanted.host, repositories, say).locate(wanted.name)
  const principal = await principalOf(question, config, db)
  say(`who: ${whoText(principal)}`)
  say(`what: ${action} ${image} in ${repository.name} (${repository.type})`)
  if (config.auth === 'none') {
    for (const one of whoLooks(repository, action, image, repositories))
      say(`only from ${one.allowFrom?.join(', ')}: allowFrom of ${one.name}`)
    say('answer: yes')
    say('because: auth is none, so everyone may do everything')
    return 0
  }
  const access = compileAccess({
    grants: await grantsOf(db, config),
    roles: rolesWith(config.roles),
    writableMember: (group) => writableMemberOf(repositories, group),
    usersMayAll: usersMayAll(config),
  })
  const targets = targetsOf(repository, image, action, repositories)
  const decisions = targets.map((target) => ({ target, decision: access.judge(principal, action, target) }))
  const { target, decision } = decisions.find((one) => !one.decision.allowed) ?? decisions[0]!
  say(`answer: ${decision.allowed ? 'yes' : 'no'}`)
  say(`because: ${reasonText(decision, principal, action)}`)
  if (!decision.allowed && decision.repository !== undefined && decision.repository !== target.repository)
    say(`  what is pushed to ${target.repository} goes to ${decision.repository}: rights on that one count`)
  if (target.image !== image) say(`  ${image} is also ${target.image}: both names must be allowed`)
  for (const one of whoLooks(repository, action, target.image, repositories))
    say(`  and only from ${one.allowFrom?.join(', ')}: allowFrom of ${one.name}`)
  if (!decision.allowed) say(`to change it: ${remedyText(decision, principal, action, target.repository)}`)
  return decision.allowed ? 0 : 1
}

function actionOf(text: string): Action {
  const all: Action[] = [...repositoryActions, 'list', 'observe', 'administer']
  const action = all.find((one) => one === text)
  if (action) return action
  throw new AppError('request-invalid', `"${text}" is no action: use one of ${all.join(', ')}`)
}

async function principalOf({ user, robot, groups }: Question, config: Config, db: Database | undefined) {
  if (user === 'anonymous') return anonymous
  const names = (groups ?? '').split(',').map((name) => name.trim())
  const declared = config.users.find(({ name }) => name === user)
  const admin = declared?.admin ?? (db ? (await findUser(db, user))?.admin === 1 : false)
  const principal: KnownPrincipal = {
    kind: robot ? 'robot' : 'user',
    name: user,
    admin: admin && !robot,
    groups: names.filter((name) => name !== ''),
  }
  return principal
}

function whoText(principal: Principal): string {
  if (principal.kind === 'anonymous') return 'nobody in particular, without a login'
  const { kind, name, admin, groups } = principal
  return `${kind} ${name}${admin ? ', an admin' : ''}${groups.length > 0 ? `, in ${groups.join(', ')}` : ''}`
}

function reasonText(decision: Decision, principal: Principal, action: Action): string {
  const name = principal.kind === 'anonymous' ? 'without a login' : principal.name
  if (decision.allowed) {
    const { because } = decision
    if (because.by === 'grant') return grantText(because.grant)
    if (because.by === 'admin') return 'admins may do everything'
    if (because.by === 'login') return 'whoever has logged in may, and sees what they may pull'
    if (because.by === 'limits') return 'the token of the robot says so'
    return 'users of auth.htpasswd may do everything as long as the configuration file has no grants'
  }
  if (decision.because === 'admins') return 'it is for admins'
  if (decision.because === 'limits') return 'the token does not allow it'
  if (decision.because === 'grants')
    return `no grant lets ${name} ${action} it in ${decision.repository ?? 'any repository'}`
  return action === 'pull' || action === 'list'
    ? 'no grant lets everyone pull it'
    : 'without a login nothing but pulling can be allowed'
}

function remedyText(
  decision: Decision & { allowed: false },
  principal: Principal,
  action: Action,
  asked: string,
): string {
  const repository = decision.repository ?? asked
  if (decision.because === 'admins') return 'entrepot user add NAME --admin'
  if (principal.kind === 'anonymous')
    return action === 'pull' || action === 'list'
      ? `entrepot grant add --anonymous --role reader --repository ${repository}`
      : 'log in'
  const role = action === 'pull' ? 'reader' : action === 'push' ? 'developer' : 'maintainer'
  return `entrepot grant add --${principal.kind} ${principal.name} --role ${role} --repository ${repository}`
}
