/** What of a JSON schema our documents have. */
interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: Schema | boolean
  description?: string
}

interface Operation {
  summary?: string
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>
}

/** An OpenAPI 3.1 document, as far as it is read here. */
export interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas?: Record<string, Schema> }
}

/**
 * The types of an API: one per named schema, and `Operations`, which has for `'GET /audit'` its `params` (of the path), `query`, `body` and
 * `answer`. A generator of our own because those there are want a compiler API that TypeScript 7 no longer has.
 */
export function typesOf({ paths, components }: Document): string {
  const named = Object.entries(components.schemas ?? {}).map(
    ([name, schema]) => `${comment(schema.description)}export type ${name} = ${typeOf(schema)}\n`,
  )
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => operationType(method, path, operation)),
  )
  return [
    '// Written by deploy/write-api-types.ts from the OpenAPI document of the server.',
    ...named,
    '/** Every request there is. */',
    `export interface Operations {\n${operations.join('\n')}\n}\n`,
  ].join('\n')
}

function operationType(method: string, path: string, operation: Operation): string {
  const parameters = (place: string) => {
    const own = (operation.parameters ?? []).filter((one) => one.in === place)
    return typeOf({
      type: 'object',
      properties: Object.fromEntries(own.map(({ name, schema }) => [name, schema])),
      required: own.filter(({ required }) => required).map(({ name }) => name),
      additionalProperties: false,
    })
  }
  const name = `${method.toUpperCase()} ${path.replace(/^\/api\/v1/, '')}`
  const success = Object.entries(operation.responses).find(([status]) => status.startsWith('2'))?.[1]
  const body = operation.requestBody?.content['application/json']?.schema
  const answer = success?.content?.['application/json']?.schema
  return `${comment(operation.summary)}${JSON.stringify(name)}: {
    params: ${parameters('path')}
    query: ${parameters('query')}
    body: ${body ? typeOf(body) : 'undefined'}
    answer: ${answer ? typeOf(answer) : 'undefined'}
  }`
}

function typeOf(schema: Schema): string {
  const { $ref, anyOf, oneOf, allOf } = schema
  if ($ref) return $ref.slice($ref.lastIndexOf('/') + 1)
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (anyOf ?? oneOf) return (anyOf ?? oneOf)!.map(grouped).join(' | ')
  if (allOf) return allOf.map(grouped).join(' & ')
  if (Array.isArray(schema.type)) return schema.type.map((type) => grouped({ ...schema, type })).join(' | ')
  return plainType(schema)
}

function plainType({ type, items, properties, required = [], additionalProperties }: Schema): string {
  if (type === 'integer' || type === 'number') return 'number'
  if (type === 'string' || type === 'boolean' || type === 'null') return type
  if (type === 'array') return items ? `${grouped(items)}[]` : 'unknown[]'
  if (type !== 'object') return 'unknown'
  const fields = Object.entries(properties ?? {}).map(
    ([name, schema]) =>
      `${comment(schema.description)}${JSON.stringify(name)}${required.includes(name) ? ':' : '?: undefined |'} ${typeOf(schema)}`,
  )
  const rest = typeof additionalProperties === 'object' ? `Record<string, ${typeOf(additionalProperties)}>` : undefined
  if (fields.length === 0)
    return rest ?? (additionalProperties === false ? 'Record<never, never>' : 'Record<string, unknown>')
  const own = `{\n${fields.join('\n')} }`
  return rest ? `${own} & ${rest}` : own
}

function grouped(schema: Schema): string {
  const type = typeOf(schema)
  return /[|&]/.test(type) ? `(${type})` : type
}

function comment(text: string | undefined): string {
  return text ? `/** ${text.replaceAll('*/', '* /')} */\n` : ''
}
