import { describe, expect, it } from 'vitest'
import { Findings } from '../../src/config/finding.ts'
import { mergeTrees, type Tree } from '../../src/config/tree.ts'
import { readYaml } from '../../src/config/yaml.ts'
import { linesOf } from '../helpers/config-case.ts'

function read(content: string | Uint8Array): { says: unknown; mistakes: string[] } {
  const findings = new Findings()
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const tree = readYaml('x.yml', bytes, findings)
  return { says: tree === null ? null : plain(tree), mistakes: linesOf(findings.all) }
}

/** A tree without its places. */
function plain(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.isNull ? null : tree.text
  if (tree.kind === 'list') return tree.items.map(plain)
  return Object.fromEntries([...tree.entries].map(([key, value]) => [key, plain(value)]))
}

function mistakesOf(content: string | Uint8Array): string[] {
  const { says, mistakes } = read(content)
  expect(says).toBeNull()
  return mistakes
}

const SYNTAX = '-> correct the YAML at this line or just above it'

describe('a YAML file', () => {
  it('keeps every value as it was written', () => {
    const text =
      'a: yes\nb: 010\nc: 10:20:30\nd: "~"\ne: ~\nf:\ng: \'\'\nh: ::1\ni: !!int 5\nj: [1, [2]]\n'
    expect(read(text)).toEqual({
      says: {
        a: 'yes',
        b: '010',
        c: '10:20:30',
        d: '~',
        e: null,
        f: null,
        g: '',
        h: '::1',
        i: '5',
        j: ['1', ['2']],
      },
      mistakes: [],
    })
  })

  it('may be empty, hold only comments, or begin with a byte order mark', () => {
    for (const text of ['', '# nothing\n', '---\n', '\ufeff']) {
      expect(read(text)).toEqual({ says: {}, mistakes: [] })
    }
    expect(read('\ufeffa: 1\n').says).toEqual({ a: '1' })
  })

  it('puts aliases and merge keys in', () => {
    const text = 'a: &x {p: 1, q: 2}\nb: *x\nc: {<<: *x, q: 3}\n'
    const { says } = read(text)
    expect(says).toEqual({ a: { p: '1', q: '2' }, b: { p: '1', q: '2' }, c: { p: '1', q: '3' } })
  })

  it('tells both lines of a key that is given twice', () => {
    expect(read('a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n').mistakes).toEqual([
      'error x.yml:5 b.c is given twice: first in line 3, again in line 5 -> keep one of the two',
    ])
  })

  it('names the line of a tab, of an open quote and of an alias without anchor', () => {
    expect(mistakesOf('a:\n\tb: 1\n')).toEqual([
      `error x.yml:2  is indented with a tab character; YAML wants spaces ${SYNTAX}`,
    ])
    expect(mistakesOf('a: "x\n')).toEqual([
      `error x.yml:2  is not closed (missing closing "quote) ${SYNTAX}`,
    ])
    expect(mistakesOf('a: 1\nb: *x\n')).toEqual([
      'error x.yml:2 b refers to the anchor x, which is not defined before it -> define the anchor or write the value',
    ])
  })

  it('never shows what stands in a line it cannot parse, because that may be a secret', () => {
    expect(mistakesOf('password: "geheim\nb: 1\n').join()).not.toContain('geheim')
  })

  it('names the byte that is no text', () => {
    const mend = '-> save the file as UTF-8 text'
    const latin1 = Buffer.from('a: 1\nb: M\u00fcller\n', 'latin1')
    expect(mistakesOf(latin1)).toEqual([`error x.yml:2  byte 9 is not valid UTF-8 (0xfc) ${mend}`])
    expect(mistakesOf(Buffer.from('a: 1\n', 'utf16le'))).toEqual([
      `error x.yml:1  byte 1 is the control character 0x00 ${mend}`,
    ])
    expect(mistakesOf('a: \u0007\n')).toEqual([
      `error x.yml:1  byte 3 is the control character 0x07 ${mend}`,
    ])
    // Overlong, surrogate, above the last code point, torn at the end.
    for (const bytes of [
      [0xc0, 0xaf],
      [0xe0, 0x80, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82],
    ]) {
      expect(mistakesOf(Buffer.from(bytes))[0]).toContain('byte 0 is not valid UTF-8')
    }
    expect(read('a: \u20ac\u{1f600}\n').says).toEqual({ a: '\u20ac\u{1f600}' })
  })

  it('survives a bomb of aliases', () => {
    let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n'
    for (let level = 1; level < 12; level += 1) {
      text += `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(', ')}]\n`
    }
    const startedMs = performance.now()
    expect(mistakesOf(text).map((line) => line.slice(line.indexOf('expands')))).toEqual([
      'expands to more than 100000 values -> use fewer aliases',
    ])
    expect(performance.now() - startedMs).toBeLessThan(5000)
  })

  it('survives a value that contains itself', () => {
    expect(mistakesOf('a: &a [*a]\n')).toEqual([
      'error x.yml:1 a[0] contains itself through an alias -> remove the alias',
    ])
  })

  it('survives nesting that would end the process', () => {
    for (const text of ['['.repeat(20_000), '{a: '.repeat(5000), '- '.repeat(5000)]) {
      expect(mistakesOf(text)).toEqual([`error x.yml:1  is nested deeper than 64 levels ${SYNTAX}`])
    }
  })

  it('refuses a second document and a file that is no section', () => {
    expect(mistakesOf('a: 1\n---\nb: 2\n')[0]).toMatch(
      /^error x.yml:2 {2}begins a second YAML document/,
    )
    expect(mistakesOf('- a\n')[0]).toMatch(/^error x.yml:1 {2}does not begin with a key/)
    expect(mistakesOf('text\n')[0]).toMatch(/^error x.yml:1 {2}does not begin with a key/)
  })
})

describe('two files merged', () => {
  const merged = (base: string, precedent: string): unknown => {
    const trees = [base, precedent].map((text) =>
      readYaml('x.yml', Buffer.from(text), new Findings()),
    )
    const [first, second] = trees
    if (!first || !second) throw new Error('not read')
    return plain(mergeTrees(first, second))
  }

  it('join sections and lists, and replace everything else', () => {
    const base = 'a: {p: 1, q: 2}\nl: [1, 2]\ns: x\nm: {z: 1}\n'
    expect(merged(base, 'a: {q: 3, r: 4}\nl: [2, 3]\ns: y\nm: ~\n')).toEqual({
      a: { p: '1', q: '3', r: '4' },
      l: ['1', '2', '2', '3'],
      s: 'y',
      m: null,
    })
  })
})
