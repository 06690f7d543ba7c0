import { z } from '@hono/zod-openapi'
import { repositoryActions } from '../../access/decide.ts'
import { type Grant, keyOfGrant, subjectKinds } from '../../access/grant.ts'
import { addGrant, readGrants, removeGrants } from '../../access/grant-store.ts'
import { rolesWith } from '../../access/roles.ts'
import { checkedTerms } from '../../access/terms.ts'
import { listOidcUsers } from '../../database/oidc-users.ts'
import { AppError } from '../../errors.ts'
import { accountsOf } from '../accounts.ts'
import type { ApiParts } from '../api.ts'
import type { Caller } from '../caller.ts'
import { type Api, addEndpoint, mayInAll } from '../endpoint.ts'

const SubjectSchema = z.object({
  kind: z
    .enum(subjectKinds)
    .openapi({ description: '`authenticated`: every user; `anonymous`: everyone, for pulling' }),
  name: z.string().max(500).default('').openapi({ description: 'of a user, group or robot; else empty' }),
})
const TermsSchema = z.object({
  subject: SubjectSchema,
  role: z.string().max(128),
  repository: z.string().max(128).openapi({ description: 'a name, or * for all' }),
  images: z
    .array(z.string().max(300))
    .max(100)
    .default([])
    .openapi({ description: 'patterns: team/**; none: all images' }),
})
const NewGrantSchema = TermsSchema.openapi('NewGrant')
const GrantSchema = TermsSchema.extend({ id: z.number().int(), managedBy: z.enum(['file', 'database']) }).openapi(
  'Grant',
)
const RoleSchema = z
  .object({ name: z.string(), actions: z.array(z.enum(repositoryActions)), builtIn: z.boolean() })
  .openapi('Role')
const GroupSchema = z
  .object({
    name: z.string(),
    grants: z.number().int(),
    seen: z.boolean().openapi({ description: 'somebody in it has logged in with OpenID' }),
  })
  .openapi('Group')

/** Who may do what. Each change holds here at once, and at other instances within three seconds. */
export function addGrants(api: Api, parts: ApiParts): void {
  const { db, decide, now, config, refreshAccess, tellChange } = parts
  const roles = rolesWith(config.roles)

  /** Throws unless the caller may say who may do what there. `*` is for admins, and for those to whom it was given so. */
  function assertMayManage({ principal }: Caller, repository: string): void {
    if (mayInAll(decide, principal, 'manage-members', repository)) return
    const name = principal.kind === 'anonymous' ? 'whoever is not logged in' : principal.name
    throw new AppError(
      'denied',
      `${name} may not manage the members of ${repository === '*' ? 'all repositories' : repository}`,
    )
  }

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/grants',
      tag: 'access',
      summary: 'Grants; without `repository` those of all, for admins',
      access: 'known',
      request: {
        query: z.object({
          repository: z
            .string()
            .max(128)
            .optional()
            .openapi({ description: 'those that hold there, so also those on *' }),
          kind: z.enum(subjectKinds).optional(),
          name: z.string().max(500).optional().openapi({ description: 'of the subject' }),
        }),
      },
      answer: z.array(GrantSchema),
    },
    async ({ query: { repository, kind, name }, caller }) => {
      if (!decide(caller.principal, 'administer')) assertMayManage(caller, repository ?? '*')
      return (await readGrants(db.queries))
        .filter(
          (grant) =>
            (repository === undefined || grant.repository === repository || grant.repository === '*') &&
            (kind === undefined || grant.subject.kind === kind) &&
            (name === undefined || grant.subject.name === name),
        )
        .map(publicForm)
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'post',
      path: '/grants',
      tag: 'access',
      summary: 'Gives a role; the same twice is one',
      access: 'known',
      request: { body: NewGrantSchema },
      answer: GrantSchema,
      status: 201,
    },
    async ({ body, caller, incoming }) => {
      accountsOf(parts)
      const terms = checkedTerms(body, roles)
      const { repository, role, subject } = terms
      assertMayManage(caller, repository)
      const more = roles.get(role)!.actions.find((action) => !mayInAll(decide, caller.principal, action, repository))
      if (more) throw new AppError('denied', `role: ${role} may ${more} ${repository}, which you may not give`)
      const isNew = await addGrant(db, terms, now())
      await refreshAccess()
      const grant = (await readGrants(db.queries)).find(
        (one) => one.managedBy === 'database' && keyOfGrant(one) === keyOfGrant(terms),
      )
      if (!grant) throw new AppError('unavailable', 'the grant was removed just now')
      if (isNew)
        tellChange(incoming, caller, 'grant.create', repository, `${subject.kind} ${subject.name}`.trim(), { role })
      return publicForm(grant)
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'delete',
      path: '/grants/{grant}',
      tag: 'access',
      summary: 'Takes a role back',
      access: 'known',
      request: { params: z.object({ grant: z.coerce.number().int().min(1) }) },
      also: { 404: 'there is no such grant' },
    },
    async ({ params: { grant: id }, caller, incoming }) => {
      const grant = (await readGrants(db.queries)).find((one) => one.id === id)
      if (!grant || !mayInAll(decide, caller.principal, 'manage-members', grant.repository))
        throw new AppError('route-unknown', `there is no grant ${id}`)
      if (grant.managedBy === 'file')
        throw new AppError('policy-refused', 'the grant is declared in the configuration file: change it there')
      await removeGrants(db, (one) => one.id === id)
      await refreshAccess()
      const { subject, repository, role } = grant
      tellChange(incoming, caller, 'grant.remove', repository, `${subject.kind} ${subject.name}`.trim(), { role })
      return undefined
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/roles',
      tag: 'access',
      summary: 'What can be given: names for sets of actions',
      access: 'known',
      answer: z.array(RoleSchema),
    },
    () => [...roles.values()].map((role) => ({ ...role, actions: [...role.actions] })),
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/groups',
      tag: 'access',
      summary: 'Groups that are known here: by a grant, or by a login with OpenID',
      access: 'admin',
      answer: z.array(GroupSchema),
    },
    async () => {
      const groups = new Map<string, { name: string; grants: number; seen: boolean }>()
      const group = (name: string) => groups.get(name) ?? { name, grants: 0, seen: false }
      for (const { subject } of await readGrants(db.queries))
        if (subject.kind === 'group')
          groups.set(subject.name, { ...group(subject.name), grants: group(subject.name).grants + 1 })
      for (const row of await listOidcUsers(db.queries))
        for (const name of JSON.parse(row.groups) as string[]) groups.set(name, { ...group(name), seen: true })
      return [...groups.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
    },
  )
}

function publicForm({ images, ...grant }: Grant) {
  return { ...grant, images: [...images] }
}
