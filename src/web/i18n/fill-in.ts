export type Values = Readonly<Record<string, string | number>>

/**
 * Fills `{name}` in. A text with a bar has two forms, for one and for more: `{count} tag|{count} tags`; `count` decides by the rules of the
 * language. Numbers are written as the language writes them.
 */
export function fillIn(text: string, values: Values = {}, tag = 'en'): string {
  const [one = '', other = one] = text.split('|')
  const isOne = typeof values.count === 'number' && new Intl.PluralRules(tag).select(values.count) === 'one'
  return (isOne ? one : other).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name]
    if (value === undefined) return whole
    return typeof value === 'number' ? value.toLocaleString(tag) : value
  })
}
