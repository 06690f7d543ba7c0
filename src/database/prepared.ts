import type { Compilable, CompiledQuery, DialectAdapter } from 'kysely'
import type { Queries } from './database.ts'

/** Stands for a parameter while a query is compiled. */
class Placeholder {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

export interface CompiledOnce<Parameters> {
  compiled: CompiledQuery
  /** The values in the order of the SQL. */
  values(parameters: Parameters): unknown[]
}

/**
 * Compiles a query once. Kysely spends more time building a query than SQLite spends answering it, which only shows on the hot path:
 * everything else is built where it is used.
 */
export function compileOnce<Parameters extends object, Row>(
  queries: Queries,
  build: (queries: Queries, parameters: Parameters) => Compilable<Row>,
): CompiledOnce<Parameters> {
  const standIns = new Proxy({}, { get: (_, name) => new Placeholder(String(name)) }) as Parameters
  const compiled = build(queries, standIns).compile()
  const parts = compiled.parameters.map((part) =>
    part instanceof Placeholder ? { name: part.name as keyof Parameters } : { value: part },
  )
  return {
    compiled,
    values: (parameters) => parts.map((part) => ('name' in part ? parameters[part.name] : part.value)),
  }
}

export interface Outcome<Row> {
  rows: Row[]
  /** Rows that were inserted, changed or deleted. */
  count: number
}

/**
 * A statement of the hot path that runs within transactions, compiled at its first use on each kind of database. `build` is called with stand-ins
 * for the parameters.
 */
export function statement<Parameters extends object, Row = never>(
  build: (queries: Queries, parameters: Parameters) => Compilable<Row>,
): (queries: Queries, parameters: Parameters) => Promise<Outcome<Row>> {
  const known = new WeakMap<DialectAdapter, CompiledOnce<Parameters>>()
  return async (queries, parameters) => {
    const { adapter } = queries.getExecutor()
    let once = known.get(adapter)
    if (!once) {
      once = compileOnce(queries, build)
      known.set(adapter, once)
    }
    const query = { ...once.compiled, parameters: once.values(parameters) } as CompiledQuery<Row>
    const { rows, numAffectedRows } = await queries.executeQuery(query)
    return { rows, count: Number(numAffectedRows ?? 0) }
  }
}
