/**
 * What does an agent tell of itself? Its pauses, by its status, and its changes of role, by its history.
 *
 * Clients measure; this only explains. A lease that ended and was granted again at once is seen by
 * nobody outside, and a pause of the agent's loop is the one excuse for a late takeover. Read from a
 * node's own files and socket, as an operator would, and never waited for longer than a moment.
 */
import { readFile } from 'node:fs/promises'
import { get } from 'node:http'
import { join } from 'node:path'
import type { StatusDocument, TransitionRecord } from '../control/schema.ts'
import type { LabNode } from './node.ts'

/** One change of role, on the wall clock. */
export interface RoleChange {
  atWallMs: number
  from: string
  to: string
  reason: string
}

export interface AgentReport {
  /** Null when the agent does not answer: dead, frozen or not started yet. */
  loop: { pauses: number; worstLateMs: number } | null
  changes: RoleChange[]
}

const ANSWER_LIMIT_MS = 1000

/** Asks the node's agent and reads its history; what cannot be read is left out. */
export async function readAgentReport(node: LabNode): Promise<AgentReport> {
  const { state } = node.directories
  const [status, changes] = await Promise.all([
    readStatus(node),
    readChanges(join(state, 'history.jsonl')),
  ])
  const self = status?.self ?? null
  const loop =
    self === null ? null : { pauses: self.pauses, worstLateMs: self.loopDelayMs?.max ?? 0 }
  return { loop, changes }
}

async function readChanges(file: string): Promise<RoleChange[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.split('\n').flatMap((line) => {
    try {
      const { atIso, from, to, reason } = JSON.parse(line) as TransitionRecord
      return [{ atWallMs: Date.parse(atIso), from, to, reason: reason.code }]
    } catch {
      // Empty, or being written at this moment.
      return []
    }
  })
}

/** What its agent shows; null when it does not answer. */
export function readStatus(node: LabNode): Promise<StatusDocument | null> {
  const socketPath = join(node.directories.run, 'status.sock')
  return new Promise((resolve) => {
    const request = get({ socketPath, path: '/v1/status', timeout: ANSWER_LIMIT_MS }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      answer.on('error', () => resolve(null))
      answer.on('end', () => {
        try {
          resolve(answer.statusCode === 200 ? (JSON.parse(text) as StatusDocument) : null)
        } catch {
          resolve(null)
        }
      })
    })
    // A frozen agent's socket still takes connections: silence is an answer, too.
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(null))
  })
}
