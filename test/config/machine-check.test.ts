import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PairConfig } from '../../src/config/config.ts'
import { checkMachine, systemDoors } from '../../src/config/machine-check.ts'
import { judgeTexts, linesOf } from '../helpers/config-case.ts'

let scratch = ''
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'machine-check-'))
})
afterAll(() => {
  rmSync(scratch, { recursive: true })
})

function configWith(keyFile: string): PairConfig {
  const judged = judgeTexts({})
  if (!judged.ok) throw new Error('the pair of the tests has mistakes')
  return { ...judged.config, keyFile }
}

function keyFile(content: string, mode = 0o600): string {
  const path = join(scratch, 'key')
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}

const GOOD_KEY = `1 ${'0123456789abcdef'.repeat(4)}\n`
const everything = { interfaceExists: () => true }

async function saidOf(path: string): Promise<string[]> {
  return linesOf(await checkMachine(configWith(path), everything))
}

describe('this machine', () => {
  it('has what the configuration names', async () => {
    expect(await saidOf(keyFile(GOOD_KEY))).toEqual([])
  })

  it('is told which interface it does not have, once each', async () => {
    const doors = { interfaceExists: async (name: string) => name !== 'eth0' }
    const asked: string[] = []
    await checkMachine(configWith(keyFile(GOOD_KEY)), {
      interfaceExists: (name) => asked.push(name) > 0,
    })
    expect(asked).toEqual(['eth1', 'eth0'])
    const mistakes = await checkMachine(configWith(keyFile(GOOD_KEY)), doors)
    expect(linesOf(mistakes)).toEqual([
      'error this machine hosts.sp1.eth0 is not an interface of this machine -> correct the name in network.yml or bring the interface up',
    ])
  })

  it('has a loopback interface and none with an impossible name', async () => {
    expect(await systemDoors.interfaceExists('lo')).toBe(true)
    expect(await systemDoors.interfaceExists('no-such-if0')).toBe(false)
  })

  it('is told that the watchdog is not there', async () => {
    const watchdog = { device: '/dev/no-such-dog', timeoutSeconds: 20 }
    const config = { ...configWith(keyFile(GOOD_KEY)), watchdog }
    expect(linesOf(await checkMachine(config, everything))).toEqual([
      expect.stringMatching(/^warning \/dev\/no-such-dog {2}is not there: /),
    ])
  })

  it('is told that the fence agent or its password is not there', async () => {
    const plug = { parameters: {}, passwordFile: null }
    const passwordFile = join(scratch, 'no-password')
    const agent = '/nowhere/fence_x'
    const plugs = { sp1: plug, sp2: { ...plug, passwordFile } }
    const config = configWith(keyFile(GOOD_KEY))
    const fence = { agent, timeoutMs: 1_000, plugs }
    expect(linesOf(await checkMachine({ ...config, fence }, everything))).toEqual([
      `error ${agent}  is not there -> install it (apt-get install fence-agents), or correct tandem.fence.agent`,
      `error ${passwordFile}  cannot read ${passwordFile}: it does not exist -> put it in place: chown root ${passwordFile} && chmod 600 ${passwordFile}`,
    ])
  })

  it('is told what is wrong with the key, never what stands in it', async () => {
    const missing = join(scratch, 'missing')
    expect(await saidOf(missing)).toEqual([
      `error ${missing}  is not there; without the key of the pair no node starts -> make one with "tandem key new" and copy it to the other node`,
    ])
    const open = keyFile(GOOD_KEY, 0o644)
    expect(await saidOf(open)).toEqual([
      `error ${open}  ${open} has mode 0644 instead of 0600 -> chown root ${open} && chmod 600 ${open}`,
    ])
    const broken = keyFile(`# ours\n1 geheim\n`)
    const said = await saidOf(broken)
    expect(said).toHaveLength(1)
    expect(said[0]).toContain(`error ${broken}:2  `)
    expect(said[0]).not.toContain('geheim')
  })
})
