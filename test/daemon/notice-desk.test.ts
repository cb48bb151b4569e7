/**
 * Goal: what stands is told through the channels, the other node's word counts, and nothing is told twice after a
 * restart. Method: two desks with a clock of ours and a sender that remembers.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Alarm, Notice } from '../../src/control/notice.ts'
import { alarmKey } from '../../src/control/notice-book.ts'
import { type DeskLook, NoticeDesk } from '../../src/daemon/notice-desk.ts'
import { until } from '../helpers/until.ts'

const START_MS = Date.parse('2026-11-21T12:00:00Z')
const DAY_MS = 86_400_000
const alarm = (code: string, about = ''): Alarm => ({
  ...{ code, about, sentence: `${code} it is`, mend: 'look', sinceIso: 'then' },
})
const PATH = alarm('path-silent', 'crosslink')
const STORE = alarm('store-sick', 'redis')

let directory = ''
const desks: NoticeDesk[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'desk-'))
})
afterEach(async () => {
  for (const desk of desks.splice(0)) await desk.flush()
  await rm(directory, { recursive: true })
})

/** @param place  of its state: the same for the next start of the same node */
async function open(node: 'sp1' | 'sp2', place: string = node) {
  const stateDir = join(directory, place)
  await mkdir(stateDir, { recursive: true })
  const sent: Notice[] = []
  const alarms = {
    channels: [{ kind: 'command' as const, argv: ['/bin/page'] }],
    remindAfterMs: DAY_MS,
  }
  const desk = await NoticeDesk.open({
    ...{ config: { alarms, node, hostName: node }, stateDir, log: () => {} },
    now: () => performance.now(),
    send: async (_channel, notice) => {
      sent.push(notice)
      return { ok: true, answer: 'fine' }
    },
  })
  desks.push(desk)
  const told = () =>
    sent.flatMap(({ alarms: all }) => all.map(({ what, about }) => `${what} ${about}`))
  return { desk, sent, told }
}

const WELL: Omit<DeskLook, 'nowMs'> = {
  ...{ standing: [], serves: true, state: 'active', peerState: 'standby', peerHeard: true },
  peerAlarms: new Set(),
}
const STANDBY = { ...WELL, serves: false, state: 'standby', peerState: 'active' } as const

/** Looks every two seconds for so long. */
function look(desk: NoticeDesk, what: Omit<DeskLook, 'nowMs'>, fromS: number, toS: number): void {
  for (let at = fromS; at < toS; at += 2) desk.look({ ...what, nowMs: START_MS + at * 1_000 })
}

test('of what both see the active tells, each tells what is its own', async () => {
  const [active, standby] = [await open('sp1'), await open('sp2')]
  const peerAlarms = new Set([PATH, STORE].map(alarmKey))
  look(active.desk, { ...WELL, standing: [PATH], peerAlarms }, 0, 60)
  look(standby.desk, { ...STANDBY, standing: [PATH, STORE], peerAlarms }, 0, 60)
  await until(async () => active.sent.length > 0 && standby.sent.length > 0)
  expect([active.told(), standby.told()]).toEqual([['began crosslink'], ['began redis']])
})

test('a standby tells what the active does not see, and everything when it does not hear it', async () => {
  const { desk, told } = await open('sp2')
  look(desk, { ...STANDBY, standing: [PATH] }, 0, 60)
  await until(async () => told().length === 1)
  const silent = { peerHeard: false, peerState: 'unknown', peerAlarms: null } as const
  const apart = await open('sp2', 'another')
  look(apart.desk, { ...STANDBY, ...silent, standing: [PATH, alarm('peer-silent')] }, 100, 160)
  await until(async () => apart.told().includes('began '))
})

test('while nobody serves sp1 speaks for both', async () => {
  const none = { ...STANDBY, peerState: 'standby' } as const
  const peerAlarms = new Set(['nobody-serves '])
  const [one, two] = [await open('sp1'), await open('sp2')]
  const look60 = { ...none, standing: [alarm('nobody-serves')], peerAlarms }
  look(one.desk, look60, 0, 60)
  look(two.desk, look60, 0, 60)
  await until(async () => one.sent.length === 1)
  expect(two.sent).toEqual([])
})

test('after a restart nothing is told twice, whatever was written', async () => {
  const first = await open('sp1')
  look(first.desk, { ...WELL, standing: [STORE] }, 0, 60)
  const path = join(directory, 'sp1/notices.json')
  await until(async () => {
    // Written behind the looks.
    look(first.desk, { ...WELL, standing: [STORE] }, 60, 62)
    const text = await readFile(path, 'utf8').catch(() => '')
    return text.includes('"toldMs":1') && text.includes('"waiting":{"command":[]}')
  })
  const next = await open('sp1')
  look(next.desk, { ...WELL, standing: [STORE] }, 62, 200)
  look(next.desk, WELL, 200, 300)
  await until(async () => next.sent.length === 1)
  expect(next.told()).toEqual(['over redis'])
  await until(async () => {
    await writeFile(path, '{"entries":[null,7,{"alarm":1}],"waiting":"x')
    return (await open('sp1')).told().length === 0
  })
})
