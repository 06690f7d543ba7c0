import { z } from '@hono/zod-openapi'
import type { Entry } from '../config/table.ts'

/**
 * The schema of something in the words of the configuration file. It only says what form things have: whether a value is right is found out by whoever reads them
 * for the file, so that both say the same. `nullable`: for a change, in which null means the default (RFC 7396).
 */
export function schemaOfForm(entry: Entry, { nullable }: { nullable: boolean }): z.ZodType {
  if (entry.form === 'missing') return z.never()
  if (entry.form === 'setting') {
    const { kind, fallback, meaning } = entry
    const description = fallback === undefined || fallback === '' ? meaning : `${meaning} Default: \`${fallback}\`.`
    return schemaOfKind(kind.name).openapi({ ...(description !== '' && { description }) })
  }
  if (entry.form === 'list') return z.array(schemaOfForm(entry.element, { nullable: false }))
  if (entry.form === 'mapping') return z.record(z.string(), schemaOfForm(entry.element, { nullable }))
  const fields = Object.entries(entry.fields as Record<string, Entry>).flatMap(([key, field]) => {
    if (field.form === 'missing') return []
    const inner = schemaOfForm(field, { nullable })
    return [[key, nullable ? inner.nullish() : inner.optional()] as const]
  })
  // Loose, so that an unknown key reaches whoever says that it is unknown.
  const section = z.looseObject(Object.fromEntries(fields))
  return entry.shortFor === undefined ? section : z.union([z.string(), section])
}

function schemaOfKind(name: string): z.ZodType {
  if (name === 'true or false') return z.boolean()
  if (name === 'whole number') return z.number().int()
  if (name === 'size' || name === 'bytes per second') return z.union([z.number(), z.string()])
  const words = name.split(', ')
  return words.length > 1 && words.every((word) => /^[a-z-]+$/.test(word)) ? z.enum(words) : z.string()
}
