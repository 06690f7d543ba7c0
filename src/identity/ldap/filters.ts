import {
  AndFilter,
  ApproximateFilter,
  EqualityFilter,
  ExtensibleFilter,
  type Filter,
  FilterParser,
  GreaterThanEqualsFilter,
  LessThanEqualsFilter,
  NotFilter,
  OrFilter,
  SubstringFilter,
} from 'ldapts'
import { AppError } from '../../errors.ts'

/** What stands in a filter for `{user}` and `{dn}`. */
export interface Placeholders {
  user: string
  dn?: string
}

/**
 * A filter with what a client sent in the places meant for it. The text is understood first and filled in afterwards, so that nothing in
 * a name can be taken for a part of the filter; written out, it is escaped (RFC 4515 section 3).
 */
export function filterFor(template: string, placeholders: Placeholders): Filter {
  return filled(parseFilter(template), placeholders)
}

/** Understands a filter. Throws `request-invalid` when it is none. */
export function parseFilter(text: string): Filter {
  // The parser takes each escaped byte for a character, which is right for ASCII alone.
  const readable = text.replace(/(?:\\[89a-f][0-9a-f])+/gi, (run) =>
    Buffer.from(run.replaceAll('\\', ''), 'hex').toString('utf8'),
  )
  try {
    return FilterParser.parseString(readable)
  } catch (cause) {
    throw new AppError('request-invalid', `${text} is no search filter: ${(cause as Error).message}`, { cause })
  }
}

function filled(filter: Filter, placeholders: Placeholders): Filter {
  const fill = (text: string) =>
    text.replace(/\{(user|dn)\}/g, (whole, name: keyof Placeholders) => placeholders[name] ?? whole)
  if (filter instanceof AndFilter || filter instanceof OrFilter)
    filter.filters = filter.filters.map((one) => filled(one, placeholders))
  else if (filter instanceof NotFilter) filter.filter = filled(filter.filter, placeholders)
  else if (filter instanceof SubstringFilter) {
    filter.initial = fill(filter.initial)
    filter.any = filter.any.map(fill)
    filter.final = fill(filter.final)
  } else if (
    filter instanceof EqualityFilter ||
    filter instanceof ApproximateFilter ||
    filter instanceof GreaterThanEqualsFilter ||
    filter instanceof LessThanEqualsFilter ||
    filter instanceof ExtensibleFilter
  )
    filter.value = typeof filter.value === 'string' ? fill(filter.value) : filter.value
  return filter
}
