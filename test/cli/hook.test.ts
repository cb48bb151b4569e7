// A hook carried out by hand.
import { expect, test } from 'vitest'
import { run } from '../../src/cli/hook.ts'
import { capturedIo } from '../fixtures/captured-io.ts'

async function typed(...args: string[]) {
  const io = capturedIo()
  return { code: await run(args, io), out: io.out, err: io.err }
}

test('ends with 0, or says why it was not carried out', async () => {
  expect(await typed('run /bin/true')).toEqual({ code: 0, out: '', err: '' })
  const failed = await typed('run /bin/false')
  expect([failed.code, failed.err]).toEqual([
    6,
    expect.stringMatching(/^tandem hook: hook "run \/bin\/false": .+\n$/),
  ])
})

test.each([
  [[], 'missing argument: LINE'],
  [['run', '/bin/true'], "unexpected argument '/bin/true'"],
  [['rtpengin x'], 'the line is not a hook; did you mean rtpengine?'],
])('refuses %j', async (args, complaint) => {
  expect(await typed(...args)).toEqual({
    code: 1,
    out: '',
    err: `tandem hook: ${complaint}\n  see: tandem hook --help\n`,
  })
})

test('does not repeat what may be a password', async () => {
  const { code, err } = await typed('freeswitch 127.0.0.1:8021 ClueCon recover')
  expect([code, err.includes('ClueCon')]).toEqual([1, false])
})
