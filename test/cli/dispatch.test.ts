import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { dispatch } from '../../src/cli/dispatch.ts'
import { capturedIo } from '../fixtures/captured-io.ts'

async function typed(...args: string[]) {
  const io = capturedIo({ env: { TANDEM_RUN: '/nowhere' } })
  return { code: await dispatch(args, '1.2.3', io), out: io.out, err: io.err }
}

const SEE = '  see: tandem --help\n'

describe('dispatch', () => {
  test('an unknown command is refused, with the one that was probably meant', async () => {
    expect(await typed('stauts')).toStrictEqual({
      code: 1,
      out: '',
      err: `tandem: unknown command 'stauts'; did you mean status?\n${SEE}`,
    })
    expect((await typed('make_standby')).err).toContain('did you mean make-standby?')
    expect((await typed('xyzzy')).err).toBe(`tandem: unknown command 'xyzzy'\n${SEE}`)
    expect((await typed('constructor')).code).toBe(1)
  })

  test('nothing typed is wrong usage and shows the overview', async () => {
    const { code, out, err } = await typed()
    expect([code, out]).toStrictEqual([1, ''])
    expect(err).toBe((await typed('--help')).out)
    expect((await typed('--run', '/x')).err).toBe(`tandem: no command was named\n${SEE}`)
  })

  test('the overview names every command', async () => {
    const { code, out } = await typed('help')
    expect(code).toBe(0)
    for (const name of Object.keys(COMMANDS)) expect(out).toContain(`  ${name} `)
  })

  test('the version is printed', async () => {
    expect(await typed('--version')).toStrictEqual({ code: 0, out: 'tandem 1.2.3\n', err: '' })
  })

  test('options that every command has may stand before the command', async () => {
    const unreachable = {
      code: 2,
      out: '',
      err:
        'tandem status: no agent answers at /elsewhere/status.sock\n' +
        '  mend: start it (systemctl start tandemd), or name its run directory with --run\n',
    }
    expect(await typed('--run', '/elsewhere', 'status')).toStrictEqual(unreachable)
    expect(await typed('--run=/elsewhere', '--node', 'sp1', 'status')).toStrictEqual(unreachable)
    expect(await typed('status', '--run', '/elsewhere')).toStrictEqual(unreachable)
  })

  test('help for a command can be asked for in both ways', async () => {
    const { code, out } = await typed('help', 'status')
    expect(code).toBe(0)
    expect(out).toBe((await typed('status', '--help')).out)
  })
})

test('every command that is listed has a module of its name', async () => {
  const directory = fileURLToPath(new URL('../../src/cli/', import.meta.url))
  const there = new Set(readdirSync(directory))
  const missing = Object.keys(COMMANDS).filter((name) => !there.has(`${name}.ts`))
  expect(missing).toStrictEqual([])
})
