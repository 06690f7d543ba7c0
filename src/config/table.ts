import type { Kind } from './kinds.ts'

/** One value. `fallback` is its default as text, as the documentation shows it; `required` has none and must be given. */
export interface Setting<V> {
  readonly form: 'setting'
  readonly kind: Kind<unknown>
  readonly fallback: string | undefined
  readonly required: boolean
  readonly meaning: string
  /** Never there: carries the type of the value. */
  readonly valueType?: V
}

/** Named entries. An optional section is `undefined` unless it is written, even if empty. */
export interface Section<F extends Fields, Optional extends boolean> {
  readonly form: 'section'
  readonly fields: F
  readonly optional: Optional
  /** A single word stands for the field of that name with nothing in it: `auth: none`, `storage: inmemory`. */
  readonly byWord: boolean
  /** A single value stands for the section with this field set to it: `members: [private]`. */
  readonly shortFor: string | undefined
  readonly meaning: string
}

/** Any number of elements, in order. A single value counts as a list of one. */
export interface List<E extends Entry> {
  readonly form: 'list'
  readonly element: E
  readonly fallback: readonly string[]
  readonly meaning: string
}

/** Entries under names of the user's choice. */
export interface Mapping<E extends Entry> {
  readonly form: 'mapping'
  readonly element: E
  readonly key: Kind<string>
  /** What a name is called in the documentation: `<name>`. */
  readonly keyLabel: string
  /** Environment variables keep the case of the name; otherwise it becomes lower case. */
  readonly keepCase: boolean
  readonly meaning: string
}

/** A key of registry:2 or of a later version that this version does not act on. */
export interface Missing {
  readonly form: 'missing'
  /** `refuse` where acting as if it were not written would be dangerous, `ignore` where a warning is enough. */
  readonly answer: 'refuse' | 'ignore'
  /** What to do instead, for people. */
  readonly advice: string
}

/** Anything the table holds. */
// biome-ignore lint/suspicious/noExplicitAny: the value's type is only known to the row itself
export type Entry = Setting<any> | Section<any, boolean> | List<any> | Mapping<any> | Missing
export type Fields = Readonly<Record<string, Entry>>

/** The type of what an entry resolves to, all readonly; keys that are missing in this version have none. */
export type ValueOf<E> =
  E extends Setting<infer V>
    ? V
    : E extends Section<infer F, infer Optional>
      ?
          | { readonly [K in keyof F as F[K] extends Missing ? never : K]: ValueOf<F[K]> }
          | (Optional extends true ? undefined : never)
      : E extends List<infer I>
        ? readonly ValueOf<I>[]
        : E extends Mapping<infer I>
          ? Readonly<Record<string, ValueOf<I>>>
          : never

/** A value with a default, or `undefined` when not given. */
export function setting<V>(kind: Kind<V>, fallback: string, meaning: string): Setting<V>
export function setting<V>(kind: Kind<V>, fallback: undefined, meaning: string): Setting<V | undefined>
export function setting<V>(kind: Kind<V>, fallback: string | undefined, meaning: string): Setting<V | undefined> {
  return { form: 'setting', kind, fallback, required: false, meaning }
}

/** A value that must be given wherever its section is. */
export function required<V>(kind: Kind<V>, meaning: string): Setting<V> {
  return { form: 'setting', kind, fallback: undefined, required: true, meaning }
}

/** A section that is always there, with the defaults of its fields. */
export function section<F extends Fields>(
  meaning: string,
  fields: F,
  { byWord = false, shortFor }: { byWord?: boolean; shortFor?: keyof F & string } = {},
): Section<F, false> {
  return { form: 'section', fields, optional: false, byWord, shortFor, meaning }
}

/** A section that is there only when written. */
export function optional<F extends Fields>(meaning: string, fields: F, { byWord = false } = {}): Section<F, true> {
  return { form: 'section', fields, optional: true, byWord, shortFor: undefined, meaning }
}

/** A list with its default. */
export function list<E extends Entry>(element: E, fallback: readonly string[], meaning: string): List<E> {
  return { form: 'list', element, fallback, meaning }
}

/** An element of a list or a value of a mapping. */
export function each<V>(kind: Kind<V>): Setting<V> {
  return required(kind, '')
}

/** Entries under names of the user's choice; none by default. */
export function mapping<E extends Entry>(
  key: Kind<string>,
  element: E,
  meaning: string,
  { keyLabel = '<name>', keepCase = false } = {},
): Mapping<E> {
  return { form: 'mapping', element, key, keyLabel, keepCase, meaning }
}

/** A known key that would be dangerous to pass over: an error that says what to do instead. */
export function refused(advice: string): Missing {
  return { form: 'missing', answer: 'refuse', advice }
}

/** A known key that is safe to pass over: one warning. */
export function ignored(advice: string): Missing {
  return { form: 'missing', answer: 'ignore', advice }
}
