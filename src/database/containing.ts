import { type RawBuilder, type SqlBool, sql } from 'kysely'

/** A condition: the column contains the text, in which nothing stands for anything else. */
export function containing(column: string, text: string): RawBuilder<SqlBool> {
  const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
  return sql<SqlBool>`${sql.ref(column)} like ${pattern} escape '\\'`
}
