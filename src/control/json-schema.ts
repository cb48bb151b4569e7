/**
 * How is the shape of a document said once, for the validator and for the compiler?
 *
 * A handful of builders return JSON Schema (draft 7, as fastify's validator reads it) and carry the
 * TypeScript type along, so the two cannot drift apart. Only what the documents of `schema.ts` need;
 * objects are closed: a field nobody declared is an error in a request and is left out of an answer.
 */

/** A JSON Schema whose values have the type T. The type is known to the compiler only. */
export interface Schema<T> {
  readonly json: JsonSchema
  /** Never set; holds the type. */
  readonly holds?: T
}

/** Plain JSON Schema, ready to be handed to a validator. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The type of the values that a schema describes. */
export type Of<S> = S extends Schema<infer T> ? T : never

type Fields = Readonly<Record<string, Schema<unknown>>>

/** An optional field of an object. */
export interface Optional<T> extends Schema<T> {
  readonly optional: true
}

type OptionalKeys<F> = { [K in keyof F]: F[K] extends Optional<unknown> ? K : never }[keyof F]
type ObjectOf<F extends Fields> = { [K in Exclude<keyof F, OptionalKeys<F>>]: Of<F[K]> } & {
  [K in OptionalKeys<F>]?: Of<F[K]>
}

export function text(description: string, limits: JsonSchema = {}): Schema<string> {
  return { json: { type: 'string', description, ...limits } }
}

export function number(description: string): Schema<number> {
  return { json: { type: 'number', description } }
}

/** 0, 1, 2 and so on. */
export function count(description: string): Schema<number> {
  return { json: { type: 'integer', minimum: 0, description } }
}

export function truth(description: string): Schema<boolean> {
  return { json: { type: 'boolean', description } }
}

export function oneOf<const W extends readonly string[]>(
  description: string,
  words: W,
): Schema<W[number]> {
  return { json: { type: 'string', enum: words, description } }
}

/** Exactly this number; for versions. */
export function exactly<const N extends number>(description: string, value: N): Schema<N> {
  return { json: { type: 'integer', enum: [value], description } }
}

export function list<T>(description: string, item: Schema<T>): Schema<T[]> {
  return { json: { type: 'array', items: item.json, description } }
}

/** A closed object; every field is required unless it is `optional`. */
export function object<const F extends Fields>(
  description: string,
  fields: F,
): Schema<ObjectOf<F>> {
  const entries = Object.entries(fields)
  return {
    json: {
      type: 'object',
      description,
      properties: Object.fromEntries(entries.map(([name, field]) => [name, field.json])),
      required: entries.filter(([, field]) => !('optional' in field)).map(([name]) => name),
      additionalProperties: false,
    },
  }
}

export function optional<T>(schema: Schema<T>): Optional<T> {
  return { json: schema.json, optional: true }
}

/** The same, or null where there is nothing to tell. */
export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  const words = schema.json['enum']
  const json = { ...schema.json, nullable: true }
  return { json: Array.isArray(words) ? { ...json, enum: [...words, null] } : json }
}
