/**
 * `tandem snmp`: how does snmpd learn of this node? Started by it once and asked by lines (pass_persist of
 * snmpd.conf(5)); ends when snmpd does.
 */
import { createInterface } from 'node:readline'
import { controlClient } from '../control/client.ts'
import type { StatusDocument } from '../control/schema.ts'
import { type CommandSpec, type Io, parseCommand } from './command.ts'
import { EXIT } from './exit-code.ts'
import { ROOT_OID, type SnmpValue, snmpValues, valueAfter, valueAt } from './snmp-tree.ts'

export const SPEC: CommandSpec = {
  name: 'snmp',
  summary: 'Answers snmpd about this node; to be started by it.',
  details:
    `snmpd.conf: pass_persist ${ROOT_OID} /usr/bin/tandem snmp\n` +
    'What there is to ask: packaging/snmp/TANDEM-MIB.txt. Nothing can be set.',
  positionals: [],
  options: {},
}

/** snmpd waits no longer than a second or so, and a walk asks for each value by itself. */
const ASK_LIMIT_MS = 700
const FRESH_MS = 2_000

/** What a test replaces. */
export interface SnmpDoors {
  lines: AsyncIterable<string>
  now: () => number
}

export async function run(args: string[], io: Io, doors?: SnmpDoors): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { lines, now } = doors ?? {
    lines: createInterface({ input: process.stdin }),
    now: () => performance.now(),
  }
  const client = controlClient(result.parsed.places.runDir)
  let asked: { status: StatusDocument | null; atMs: number } | null = null
  const values = async (): Promise<SnmpValue[]> => {
    if (asked === null || now() - asked.atMs > FRESH_MS) {
      const answer = await client.status(ASK_LIMIT_MS)
      asked = { status: answer.ok ? answer.value : null, atMs: now() }
    }
    return snmpValues(asked.status)
  }
  const words = lines[Symbol.asyncIterator]()
  const next = async (): Promise<string | null> => {
    const { value, done } = await words.next()
    return done === true ? null : String(value).trim()
  }
  for (let verb = await next(); verb !== null; verb = await next()) {
    if (verb === 'PING') io.stdout('PONG\n')
    else if (verb === 'get' || verb === 'getnext') {
      const oid = (await next()) ?? ''
      const find = verb === 'get' ? valueAt : valueAfter
      io.stdout(answerText(find(await values(), oid)))
    } else if (verb === 'set') {
      await next()
      await next()
      io.stdout('not-writable\n')
    } else io.stdout('NONE\n')
  }
  return EXIT.done
}

function answerText(found: SnmpValue | null): string {
  return found === null ? 'NONE\n' : `${found.oid}\n${found.type}\n${found.value}\n`
}
