import { describe, expect, it } from 'vitest'
import { follow, run } from '../../src/system/exec.ts'

const sh = (script: string, more: { timeoutMs?: number; input?: string } = {}) =>
  run({ label: 'try', command: 'sh', args: ['-c', script], timeoutMs: 5000, ...more })

describe('running a program', () => {
  it('gives back what it printed and its success', async () => {
    const { durationMs, ...result } = await sh('echo out; echo err >&2')
    expect(result).toEqual({ ok: true, exitCode: 0, stdout: 'out\n', stderr: 'err\n' })
    expect(durationMs).toBeGreaterThanOrEqual(0)
  })

  it('hands the input over on stdin and keeps it out of the message of a failure', async () => {
    const result = await sh('cat >/dev/null; exit 3', { input: 'secret' })
    expect(result).toMatchObject({ ok: false, code: 'HA_EXEC_EXIT', exitCode: 3 })
    expect(JSON.stringify(result)).not.toContain('secret')
    expect(await sh('cat', { input: 'hello' })).toMatchObject({ ok: true, stdout: 'hello' })
  })

  it('says which program is not installed', async () => {
    const result = await run({ label: 'try', command: 'nonesuch', args: [], timeoutMs: 1000 })
    expect(result).toMatchObject({
      ok: false,
      code: 'HA_EXEC_NOT_FOUND',
      message: 'try: nonesuch is not installed',
      exitCode: null,
    })
  })

  it('names the signal that ended a program', async () => {
    expect(await sh('kill -KILL $$')).toMatchObject({
      ok: false,
      code: 'HA_EXEC_SIGNAL',
      message: 'try: sh was ended by SIGKILL',
    })
  })

  it('returns soon after the time limit although a grandchild holds the output open', async () => {
    const result = await sh('sleep 30 & sleep 30', { timeoutMs: 100 })
    expect(result).toMatchObject({
      ok: false,
      code: 'HA_EXEC_TIMEOUT',
      message: 'try: sh did not end within 100 ms',
    })
    expect(result.durationMs).toBeLessThan(2000)
  })

  it('kills a program that ignores the polite signal', async () => {
    const result = await sh('trap "" TERM; sleep 30; sleep 30', { timeoutMs: 100 })
    expect(result).toMatchObject({ ok: false, code: 'HA_EXEC_TIMEOUT' })
    expect(result.durationMs).toBeLessThan(3000)
  })
})

describe('following a program', () => {
  it('tells each line at once and then that it ended', async () => {
    const heard: string[] = []
    await new Promise<void>((done) => {
      follow({
        label: 'try',
        command: 'sh',
        args: ['-c', 'echo one; echo two; exit 4'],
        onLine: (line) => heard.push(line),
        onEnd: (message) => {
          heard.push(message)
          done()
        },
      })
    })
    expect(heard).toEqual(['one', 'two', 'try: sh ended (4)'])
  })

  it('says nothing more once it was stopped', async () => {
    const heard: string[] = []
    let first = (): void => undefined
    const started = new Promise<void>((done) => {
      first = done
    })
    const following = follow({
      label: 'try',
      command: 'sh',
      args: ['-c', 'echo ready; sleep 30'],
      onLine: (line) => {
        heard.push(line)
        first()
      },
      onEnd: (message) => heard.push(message),
    })
    await started
    await following.stop()
    expect(heard).toEqual(['ready'])
  })
})
