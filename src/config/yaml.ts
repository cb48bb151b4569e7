/**
 * What does a YAML file say?
 *
 * The door to the yaml package: bytes in, a `MapTree` or mistakes out, never an exception. Values
 * stay text (`tree.ts`). Stricter than YAML where leniency hides mistakes: a key given twice is one.
 * Nesting is measured before the text is composed, because the composer is recursive: on a few
 * thousand brackets Node 20 did not throw but ended the process.
 */
import {
  type Alias,
  Composer,
  type CST,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Parser,
  type YAMLError,
  type YAMLMap,
} from 'yaml'
import type { Findings } from './finding.ts'
import { emptyMap, joinKey, type MapTree, type Place, type Tree } from './tree.ts'
import { findTextFault } from './utf8.ts'

/** Deeper than any file of the platform by far. */
const DEPTH_MAX = 64
/** Values after aliases are expanded; a large platform has some ten thousand. */
const VALUES_MAX = 100_000

/**
 * Reads one file.
 *
 * @param file  its name, for mistakes
 * @returns the file's map, empty when the file is; null when a mistake was told
 */
export function readYaml(file: string, bytes: Uint8Array, findings: Findings): MapTree | null {
  const fault = findTextFault(bytes)
  if (fault !== null) {
    const line = bytes.subarray(0, fault.offset).filter((byte) => byte === 0x0a).length + 1
    findings.error(
      { file, line, key: '' },
      `byte ${fault.offset} ${fault.why}`,
      'save the file as UTF-8 text',
    )
    return null
  }
  try {
    return compose(file, new TextDecoder().decode(bytes), findings)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    findings.error({ file, line: null, key: '' }, `cannot be read as YAML (${why})`, CHECK_SYNTAX)
    return null
  }
}

const CHECK_SYNTAX = 'correct the YAML at this line or just above it'

function compose(file: string, text: string, findings: Findings): MapTree | null {
  const lines = new LineCounter()
  const at = (offset: number): Place => ({ file, line: lines.linePos(offset).line, key: '' })
  const tokens = [...new Parser(lines.addNewLine).parse(text)]
  const deep = findTooDeep(tokens)
  if (deep !== null) {
    findings.error(at(deep), `is nested deeper than ${DEPTH_MAX} levels`, CHECK_SYNTAX)
    return null
  }
  const composer = new Composer({ schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' })
  const documents = [...composer.compose(tokens, false, text.length)]
  // What follows a first mistake in the syntax is usually its consequence.
  const broken = documents.flatMap((document) => document.errors)[0]
  if (broken !== undefined) {
    findings.error(at(broken.pos[0]), explain(broken), CHECK_SYNTAX)
    return null
  }
  const [document, second] = documents
  if (second !== undefined) {
    findings.error(
      at(second.range[0]),
      'begins a second YAML document',
      'keep one document in the file: remove the line "---" or what follows it',
    )
    return null
  }
  const contents = document?.contents ?? null
  if (contents === null || (isScalar(contents) && contents.source === '')) return emptyMap(file)
  const tree = new Conversion(file, lines, findings).convert(contents as Node)
  if (tree === null) return null
  if (tree.kind === 'map') return tree
  findings.error(
    { ...tree.place, key: '' },
    'does not begin with a key',
    'write "key: value" lines',
  )
  return null
}

/** Sentences for the mistakes people make; the parser's own for the rest. */
function explain(error: YAMLError): string {
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'is indented with a tab character; YAML wants spaces'
    case 'MISSING_CHAR':
      return `is not closed (${error.message.toLowerCase()})`
    case 'BAD_ALIAS':
      return 'refers to an anchor wrongly'
    default:
      return `is not valid YAML (${error.message.replaceAll('\n', ' ')})`
  }
}

/** Offset of the first token nested too deep; walks by levels, not by recursion. */
function findTooDeep(tokens: readonly CST.Token[]): number | null {
  let level: CST.Token[] = [...tokens]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEPTH_MAX) return level[0]?.type === undefined ? 0 : offsetOf(level[0])
    const next: CST.Token[] = []
    for (const token of level) {
      if ('value' in token && token.value !== undefined) next.push(token.value)
      if (!('items' in token)) continue
      for (const item of token.items) {
        if (item.key) next.push(item.key)
        if (item.value) next.push(item.value)
      }
    }
    // Scalars are leaves: their `value`, where the parser has one, is text and not a token.
    level = next.filter((token) => typeof token === 'object')
  }
  return null
}

function offsetOf(token: CST.Token): number {
  return 'offset' in token ? token.offset : 0
}

/** Turns the package's nodes into our tree, with aliases and merge keys put in. */
class Conversion {
  readonly #file: string
  readonly #lines: LineCounter
  readonly #findings: Findings
  /** Anchors seen so far; an alias means the last one of its name before it. */
  readonly #anchors = new Map<string, Node>()
  readonly #open = new Set<Node>()
  #count = 0
  #gaveUp = false

  constructor(file: string, lines: LineCounter, findings: Findings) {
    this.#file = file
    this.#lines = lines
    this.#findings = findings
  }

  convert(root: Node): Tree | null {
    const tree = this.#convert(root, '', this.#lineOf(root))
    return this.#gaveUp ? null : tree
  }

  #convert(node: Node | null, key: string, line: number): Tree {
    const place: Place = { file: this.#file, line, key }
    const nothing: Tree = { kind: 'scalar', text: '', isNull: true, place }
    this.#count += 1
    if (this.#gaveUp || node === null) return nothing
    if (this.#count > VALUES_MAX) {
      return this.#giveUp(place, `expands to more than ${VALUES_MAX} values`, 'use fewer aliases')
    }
    if (isAlias(node)) return this.#follow(node, place)
    if (this.#open.has(node)) {
      return this.#giveUp(place, 'contains itself through an alias', 'remove the alias')
    }
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    if (isScalar(node)) {
      const text = node.source ?? String(node.value ?? '')
      const isNull = node.type === 'PLAIN' && /^(|~|null|Null|NULL)$/.test(text)
      return { kind: 'scalar', text: isNull ? '' : text, isNull, place }
    }
    this.#open.add(node)
    const tree = this.#convertCollection(node, place)
    this.#open.delete(node)
    return tree
  }

  #convertCollection(node: Node, place: Place): Tree {
    if (isSeq(node)) {
      const items = node.items.map((item, index) =>
        this.#convert(item as Node | null, `${place.key}[${index}]`, this.#lineOf(item as Node)),
      )
      return { kind: 'list', items, place }
    }
    if (isMap(node)) return this.#convertMap(node, place)
    return { kind: 'scalar', text: '', isNull: true, place }
  }

  #convertMap(node: YAMLMap, place: Place): Tree {
    const entries = new Map<string, Tree>()
    const merged: Tree[] = []
    for (const pair of node.items) {
      const keyNode = pair.key as Node
      const line = this.#lineOf(keyNode)
      const name = isScalar(keyNode) ? (keyNode.source ?? String(keyNode.value ?? '')) : null
      if (name === null) {
        const odd = { ...place, line }
        this.#findings.error(odd, 'has a key that is not plain text', 'write the key as one word')
        continue
      }
      const value = this.#convert(pair.value as Node | null, joinKey(place.key, name), line)
      if (name === '<<' && isScalar(keyNode) && keyNode.type === 'PLAIN') {
        merged.push(value)
        continue
      }
      const before = entries.get(name)
      if (before !== undefined) {
        const firstLine = before.place.line ?? 0
        this.#findings.error(
          value.place,
          `is given twice: first in line ${firstLine}, again in line ${line}`,
          'keep one of the two',
        )
        continue
      }
      entries.set(name, value)
    }
    for (const source of merged.flatMap((tree) => (tree.kind === 'list' ? tree.items : [tree]))) {
      if (source.kind !== 'map') continue
      for (const [name, value] of source.entries) if (!entries.has(name)) entries.set(name, value)
    }
    return { kind: 'map', entries, place }
  }

  #follow(alias: Alias, place: Place): Tree {
    const target = this.#anchors.get(alias.source)
    if (target === undefined) {
      const why = `refers to the anchor ${alias.source}, which is not defined before it`
      return this.#giveUp(place, why, 'define the anchor or write the value')
    }
    return this.#convert(target, place.key, place.line ?? 1)
  }

  /** Tells once and makes everything after it cheap. */
  #giveUp(place: Place, why: string, mend: string): Tree {
    if (!this.#gaveUp) this.#findings.error(place, why, mend)
    this.#gaveUp = true
    return { kind: 'scalar', text: '', isNull: true, place }
  }

  #lineOf(node: Node | null): number {
    const offset = node?.range?.[0]
    return offset === undefined ? 1 : this.#lines.linePos(offset).line
  }
}
