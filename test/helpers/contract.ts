import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020.js'

type Json = Record<string, unknown>

/** What the document says of one operation. */
export interface Operation {
  method: string
  /** `/api/v1/repositories/{repository}` */
  template: string
  /** `anyone`, `known`, `admin`, an action. */
  access: string
  hasBody: boolean
  /** Schemas of answers by status; undefined: an answer without a body. */
  answers: Map<number, ValidateFunction | undefined>
}

/** The operations of an OpenAPI document, with a judge for each of their answers. */
export function operationsOf(document: Json): Operation[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
  const components = ((document['components'] as Json)['schemas'] ?? {}) as Record<string, Json>
  return Object.entries(document['paths'] as Record<string, Record<string, Json>>).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const responses = Object.entries(operation['responses'] as Record<string, { content?: Record<string, Json> }>)
      const answers = responses.map(([status, { content }]) => {
        const [type] = Object.values(content ?? {})
        const schema = type?.['schema'] as Json | undefined
        return [Number(status), schema && ajv.compile(closed(schema, components))] as const
      })
      return {
        method: method.toUpperCase(),
        template,
        access: String(operation['x-access']),
        hasBody: operation['requestBody'] !== undefined,
        answers: new Map(answers),
      }
    }),
  )
}

/**
 * The schema without references, in which an object has nothing that is not declared: what slips into an answer by mistake must not go unseen. Parts of an `allOf`
 * become one object.
 */
function closed(schema: Json, components: Record<string, Json>): Json {
  const { $ref, allOf, properties, items, anyOf, oneOf, additionalProperties, ...rest } = schema
  if (typeof $ref === 'string') {
    const name = $ref.replace('#/components/schemas/', '')
    const component = components[name]
    if (!component) throw new Error(`${$ref} is not in the document`)
    return closed(component, components)
  }
  if (Array.isArray(allOf)) {
    const parts = allOf.map((part: Json) => resolved(part, components))
    const merged = {
      type: 'object',
      properties: Object.assign({}, ...parts.map((part) => part['properties'] ?? {})) as Json,
      required: [...new Set(parts.flatMap((part) => (part['required'] as string[]) ?? []))],
    }
    return closed(merged, components)
  }
  const list = (some: unknown) => (some as Json[]).map((one) => closed(one, components))
  const isObject = properties !== undefined || additionalProperties !== undefined
  return {
    ...rest,
    ...(Array.isArray(anyOf) && { anyOf: list(anyOf) }),
    ...(Array.isArray(oneOf) && { oneOf: list(oneOf) }),
    ...(items !== undefined && { items: closed(items as Json, components) }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties as Record<string, Json>).map(([key, inner]) => [key, closed(inner, components)]),
      ),
    }),
    ...(isObject && {
      additionalProperties:
        typeof additionalProperties === 'object' && additionalProperties !== null
          ? closed(additionalProperties as Json, components)
          : (additionalProperties ?? false),
    }),
  }
}

function resolved(schema: Json, components: Record<string, Json>): Json {
  const { $ref, allOf } = schema
  if (typeof $ref === 'string') return resolved(components[$ref.replace('#/components/schemas/', '')] ?? {}, components)
  if (!Array.isArray(allOf)) return schema
  const parts = allOf.map((part: Json) => resolved(part, components))
  return {
    properties: Object.assign({}, ...parts.map((part) => part['properties'] ?? {})),
    required: parts.flatMap((part) => (part['required'] as string[]) ?? []),
  }
}

/** The operation that a request is for. */
export function operationFor(operations: readonly Operation[], method: string, path: string): Operation | undefined {
  const segments = (path.split('?')[0] ?? '').split('/')
  const fits = ({ template }: Operation) => {
    const wanted = template.split('/')
    return wanted.length === segments.length && wanted.every((one, at) => one.startsWith('{') || one === segments[at])
  }
  // A written word before a parameter: `/me/sessions` is no `/me/{...}`.
  return operations
    .filter((one) => one.method === method && fits(one))
    .sort((one, other) => one.template.split('{').length - other.template.split('{').length)[0]
}
