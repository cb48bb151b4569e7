/**
 * What does monit say of its services? The document of `/_status?format=xml`, read as far as it is needed.
 *
 * Pure. A reader of just the XML that monit writes: elements, attributes, character data, CDATA, the five
 * names of characters and numbers of characters. A document type is refused, and so is what does not close.
 */

/** One element. */
export interface XmlElement {
  name: string
  attributes: ReadonlyMap<string, string>
  children: readonly XmlElement[]
  /** Its own character data, without that of its children, trimmed. */
  text: string
}

const DEPTH_MAX = 32

const CHARACTERS: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

const NAME = '[A-Za-z_][\\w.:-]*'
const ATTRIBUTE = new RegExp(`\\s+(${NAME})\\s*=\\s*("[^"<]*"|'[^'<]*')`, 'gy')
const TAG_NAME = new RegExp(`<(/?)(${NAME})`, 'y')
const TAG_END = /\s*(\/?)>/y

interface Open {
  name: string
  attributes: Map<string, string>
  children: XmlElement[]
  text: string
}

/**
 * Reads a document.
 *
 * @returns its outermost element, or null when it is no such document
 */
export function parseXml(text: string): XmlElement | null {
  const outside: Open = { name: '', attributes: new Map(), children: [], text: '' }
  const open: Open[] = [outside]
  let at = 0
  while (at < text.length) {
    const top = open.at(-1)!
    const next = text.indexOf('<', at)
    const data = text.slice(at, next < 0 ? text.length : next)
    const plain = characters(data)
    if (plain === null) return null
    top.text += plain
    if (next < 0) break
    const skipped = skip(text, next)
    if (skipped !== null) {
      if (skipped.end < 0) return null
      top.text += skipped.data
      at = skipped.end
      continue
    }
    const tag = readTag(text, next)
    if (tag === null) return null
    at = tag.end
    if (tag.closes) {
      if (open.length < 2 || top.name !== tag.name) return null
      close(open)
      continue
    }
    if (open.length > DEPTH_MAX) return null
    open.push({ name: tag.name, attributes: tag.attributes, children: [], text: '' })
    if (tag.empty) close(open)
  }
  const [root] = outside.children
  const whole = open.length === 1 && outside.children.length === 1 && outside.text.trim() === ''
  return whole ? root! : null
}

function close(open: Open[]): void {
  const element = open.pop()!
  open.at(-1)!.children.push({ ...element, text: element.text.trim() })
}

/** What is no tag: declarations, comments, CDATA. @returns null for a tag; end -1 when it has no end */
function skip(text: string, at: number): { end: number; data: string } | null {
  for (const [begin, end] of [
    ['<?', '?>'],
    ['<!--', '-->'],
    ['<![CDATA[', ']]>'],
  ] as const) {
    if (!text.startsWith(begin, at)) continue
    const found = text.indexOf(end, at + begin.length)
    if (found < 0) return { end: -1, data: '' }
    const data = begin === '<![CDATA[' ? text.slice(at + begin.length, found) : ''
    return { end: found + end.length, data }
  }
  return null
}

interface Tag {
  name: string
  attributes: Map<string, string>
  closes: boolean
  empty: boolean
  /** Offset behind it. */
  end: number
}

function readTag(text: string, at: number): Tag | null {
  TAG_NAME.lastIndex = at
  const head = TAG_NAME.exec(text)
  if (head === null) return null
  const attributes = new Map<string, string>()
  let end = TAG_NAME.lastIndex
  for (;;) {
    ATTRIBUTE.lastIndex = end
    const found = ATTRIBUTE.exec(text)
    if (found === null) break
    const value = characters(found[2]!.slice(1, -1))
    if (value === null) return null
    attributes.set(found[1]!, value)
    end = ATTRIBUTE.lastIndex
  }
  TAG_END.lastIndex = end
  const tail = TAG_END.exec(text)
  if (tail === null) return null
  const closes = head[1] === '/'
  const empty = tail[1] === '/'
  if (closes && (empty || attributes.size > 0)) return null
  return { name: head[2]!, attributes, closes, empty, end: TAG_END.lastIndex }
}

/** Character data with the names of characters resolved; null when one is unknown. */
function characters(text: string): string | null {
  let wrong = false
  const result = text.replace(/&([^;&]{0,10});?/g, (whole, name: string) => {
    const known = CHARACTERS[name] ?? numbered(name)
    if (known === undefined || !whole.endsWith(';')) wrong = true
    return known ?? ''
  })
  return wrong ? null : result
}

function numbered(name: string): string | undefined {
  const match = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name)
  if (match === null) return undefined
  const code = match[1] === undefined ? Number(match[2]) : Number.parseInt(match[1], 16)
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined
}
