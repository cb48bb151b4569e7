/**
 * What stands in a YAML file, and where?
 *
 * Scalars stay text: what `no`, `010` or `10:20` mean depends on the key, not on the YAML version, so
 * the reader of the key decides (`scalar.ts`). Every value remembers its file, line and key, so that
 * a mistake found much later still points at what the operator has to change.
 */

/** Where a value stands. */
export interface Place {
  file: string
  /** From 1; null when there is no such line, as for an option. */
  line: number | null
  /** Dotted path with indexes inside this file. */
  key: string
}

export interface ScalarTree {
  kind: 'scalar'
  /** As written, without quotes; empty when `isNull`. */
  text: string
  /** Nothing, `~` or `null`, unquoted. */
  isNull: boolean
  place: Place
}

export interface ListTree {
  kind: 'list'
  items: readonly Tree[]
  place: Place
}

export interface MapTree {
  kind: 'map'
  entries: ReadonlyMap<string, Tree>
  place: Place
}

export type Tree = ScalarTree | ListTree | MapTree

/** The value under a key; undefined when there is none or the tree is no map. */
export function child(tree: Tree | undefined, key: string): Tree | undefined {
  return tree?.kind === 'map' ? tree.entries.get(key) : undefined
}

/** The place a key of this map would have. */
export function placeUnder(tree: MapTree, key: string): Place {
  return { ...tree.place, key: joinKey(tree.place.key, key) }
}

export function joinKey(parent: string, key: string): string {
  return parent === '' ? key : `${parent}.${key}`
}

/** Nothing given: no value, `~`, an empty text or an empty list. */
export function isEmpty(tree: Tree | undefined): boolean {
  if (tree === undefined) return true
  if (tree.kind === 'scalar') return tree.isNull || tree.text.trim() === ''
  return tree.kind === 'list' && tree.items.length === 0
}

/** A map with nothing in it, for files that are empty. */
export function emptyMap(file: string): MapTree {
  return { kind: 'map', entries: new Map(), place: { file, line: null, key: '' } }
}

/**
 * Merges two files the way the platform does: maps key by key, lists one after the other, and for
 * anything else the value with precedence.
 *
 * @source the platform merges with right precedence, which joins lists (its template processor)
 */
export function mergeTrees(base: Tree, precedent: Tree): Tree {
  if (base.kind === 'map' && precedent.kind === 'map') {
    const entries = new Map(base.entries)
    for (const [key, value] of precedent.entries) {
      const before = entries.get(key)
      entries.set(key, before === undefined ? value : mergeTrees(before, value))
    }
    return { kind: 'map', entries, place: base.place }
  }
  if (base.kind === 'list' && precedent.kind === 'list') {
    return { kind: 'list', items: [...base.items, ...precedent.items], place: base.place }
  }
  return precedent
}
