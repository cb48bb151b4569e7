/**
 * Which pairs are there, and how is each node asked? One YAML file, read by whoever looks after many pairs.
 *
 * Tokens stay in files of their own that nobody else may read; one file each is read once, however many pairs name
 * it. Every mistake is told at once, and with one of them nothing is asked at all.
 */
import { X509Certificate } from 'node:crypto'
import { Findings } from '../../config/finding.ts'
import { knownKeys } from '../../config/known-keys.ts'
import { readPath, readText } from '../../config/scalar.ts'
import { child, isEmpty, type MapTree, type Tree } from '../../config/tree.ts'
import { readYaml } from '../../config/yaml.ts'
import type { Door } from '../../control/exchange.ts'
import { NODE_NAMES, type NodeName } from '../../core/policy.ts'
import type { Mistake } from '../../errors.ts'
import { readPrivateFile, readWholeFile } from '../../system/file.ts'

const FILE_MAX_BYTES = 1024 * 1024
/** One line, and a newline. */
const TOKEN_MAX_BYTES = 4096
const PAIR_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/** By its API, over the network. */
export type NodeDoor = Extract<Door, { origin: string }>

export interface FleetPair {
  name: string
  doors: Readonly<Record<NodeName, NodeDoor>>
}

export interface Inventory {
  /** In the order of the file. */
  pairs: readonly FleetPair[]
}

/** @returns no inventory when there is an error among the mistakes; never rejects */
export async function readInventory(
  file: string,
): Promise<{ inventory: Inventory | null; mistakes: readonly Mistake[] }> {
  const findings = new Findings()
  const content = await readWholeFile(file, { maxBytes: FILE_MAX_BYTES })
  if (!content.ok) {
    const mend = 'write it (tandem fleet --help shows how), or name it with --inventory'
    findings.error({ file, line: null, key: '' }, content.message, mend)
    return { inventory: null, mistakes: findings.all }
  }
  const root = readYaml(file, content.bytes, findings)
  const pairs = root === null ? [] : await new Reader(findings).pairs(root)
  return { inventory: findings.failed ? null : { pairs }, mistakes: findings.all }
}

class Reader {
  readonly #findings: Findings
  readonly #secrets = new Map<string, Promise<string | null>>()
  readonly #certificates = new Map<string, Promise<string | null>>()

  constructor(findings: Findings) {
    this.#findings = findings
  }

  async pairs(root: MapTree): Promise<FleetPair[]> {
    const common = knownKeys(root, ['token_file', 'ca_file', 'pairs'], this.#findings)
    const pairs = child(common, 'pairs')
    if (pairs === undefined || isEmpty(pairs)) {
      const mend = 'write below pairs: a name for each pair, with sp1 and sp2 below it'
      this.#findings.error(root, 'names no pairs', mend)
      return []
    }
    if (pairs.kind !== 'map') {
      this.#findings.error(pairs.place, 'is no section', 'write a name for each pair below it')
      return []
    }
    const read: FleetPair[] = []
    for (const [name, tree] of pairs.entries) {
      if (!PAIR_NAME.test(name)) {
        const mend = 'write letters, digits, ".", "_" or "-", at most 63 of them'
        this.#findings.error(tree.place, 'is no usable name of a pair', mend)
      }
      const pair = await this.#pair(name, tree, common)
      if (pair !== null) read.push(pair)
    }
    this.#tellTwins(pairs, read)
    return read
  }

  async #pair(name: string, tree: Tree, common: MapTree): Promise<FleetPair | null> {
    const own = knownKeys(tree, [...NODE_NAMES, 'token_file', 'ca_file'], this.#findings)
    const at = (key: string): Tree | undefined => child(own, key) ?? child(common, key)
    const token = await this.#token(at('token_file'), tree)
    const ca = await this.#ca(at('ca_file'))
    const [sp1, sp2] = NODE_NAMES.map((node) => this.#origin(child(own, node), tree, node))
    if (token === null || !sp1 || !sp2) return null
    const door = (origin: string): NodeDoor => ({ origin, token, ca })
    return { name, doors: { sp1: door(sp1), sp2: door(sp2) } }
  }

  #origin(tree: Tree | undefined, pair: Tree, node: NodeName): string | null {
    const mend = `write ${node}: https://ADDRESS:PORT, as its tandem.api listens`
    if (isEmpty(tree)) {
      this.#findings.error(pair.place, `does not say where ${node} is`, mend)
      return null
    }
    const text = readText(tree, this.#findings)
    if (text === null) return null
    const url = URL.canParse(text.text) ? new URL(text.text) : null
    if (url?.protocol !== 'https:' || url.username !== '' || url.href !== `${url.origin}/`) {
      this.#findings.error(text, 'is not https:// with a host and a port, and nothing else', mend)
      return null
    }
    return url.origin
  }

  async #token(tree: Tree | undefined, pair: Tree): Promise<string | null> {
    if (isEmpty(tree)) {
      const mend = 'write token_file: a file with one token of "tandem token new", mode 0600'
      this.#findings.error(pair.place, 'has no token', mend)
      return null
    }
    const file = readPath(tree, this.#findings)
    if (file === null || tree === undefined) return null
    return await once(this.#secrets, file, async () => {
      const content = await readPrivateFile(file, { maxBytes: TOKEN_MAX_BYTES })
      if (!content.ok) {
        const mend =
          content.code === 'HA_FILE_NOT_PRIVATE' ? `chmod 600 ${file}` : 'put the token there'
        this.#findings.error(tree, content.message, mend)
        return null
      }
      const token = content.bytes.toString('latin1').trim()
      if (/^[\x21-\x7e]+$/.test(token)) return token
      this.#findings.error(tree, 'holds no token', 'write one token there, on one line')
      return null
    })
  }

  async #ca(tree: Tree | undefined): Promise<string | null> {
    const file = isEmpty(tree) ? null : readPath(tree, this.#findings)
    if (file === null || tree === undefined) return null
    return await once(this.#certificates, file, async () => {
      const content = await readWholeFile(file, { maxBytes: FILE_MAX_BYTES })
      if (!content.ok) {
        this.#findings.error(tree, content.message, 'put the certificate of the signer there')
        return null
      }
      const text = content.bytes.toString('latin1')
      if (isCertificate(text)) return text
      this.#findings.error(tree, 'holds no certificate that can be read', 'write it as PEM')
      return null
    })
  }

  /** Two names for one node: what is done to the one pair would surprise the other. */
  #tellTwins(tree: MapTree, pairs: readonly FleetPair[]): void {
    const known = new Map<string, string>()
    for (const { name, doors } of pairs) {
      for (const node of NODE_NAMES) {
        const { origin } = doors[node]
        const other = known.get(origin)
        const place = child(tree.entries.get(name), node) ?? tree
        if (other !== undefined) {
          this.#findings.error(place, `is ${other} already`, 'name each node once')
        }
        known.set(origin, `${node} of ${name}`)
      }
    }
  }
}

function isCertificate(text: string): boolean {
  try {
    new X509Certificate(text)
    return true
  } catch {
    return false
  }
}

async function once(
  known: Map<string, Promise<string | null>>,
  file: string,
  read: () => Promise<string | null>,
): Promise<string | null> {
  const reading = known.get(file) ?? read()
  known.set(file, reading)
  return await reading
}
