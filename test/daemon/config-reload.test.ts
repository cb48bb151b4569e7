/** Goal: a changed configuration is taken over where it can be, named where not, and refused as a whole. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { PairConfig, ServiceConfig } from '../../src/config/config.ts'
import { ConfigReload } from '../../src/daemon/config-reload.ts'
import type { Watched } from '../../src/daemon/service-message.ts'
import type { Mistake } from '../../src/errors.ts'
import { CONFIG } from '../helpers/snapshot-case.ts'

const MISTAKE: Mistake = {
  ...{ severity: 'error', file: 'config.yml', key: 'tandem.services.lb.mode', value: 'often' },
  ...{ why: 'is not a mode', mend: 'write active, always or manual' },
}
const SERVICES = [{ name: 'lb' } as ServiceConfig]

let inForce: PairConfig
let written: PairConfig | null
let mistakes: Mistake[]
let applied: Watched[]
let refusal: string | null
let steps: string[]

function reload(): ConfigReload {
  return new ConfigReload({
    inForce: () => inForce,
    read: async () => ({ config: written, mistakes }),
    apply: async (watched) => {
      applied.push(watched)
      return refusal
    },
    applied: (config) => {
      inForce = config
    },
  })
}
const run = () => reload().run((sentence) => steps.push(sentence))

beforeEach(() => {
  inForce = CONFIG
  written = CONFIG
  mistakes = []
  applied = []
  refusal = null
  steps = []
})

describe('reading the configuration again', () => {
  it('does nothing where nothing changed', async () => {
    expect([await run(), applied, steps]).toEqual([null, [], ['nothing has changed']])
  })

  it('takes over the services, and names what needs a restart', async () => {
    written = { ...CONFIG, services: SERVICES, gate: 'nftables', port: 695 }
    expect(await run()).toBe(null)
    expect(applied).toEqual([{ services: SERVICES, outsideChecks: [], callCheck: null }])
    expect(steps).toEqual(['needs a restart of the agent: heartbeat paths, gate'])
    expect(inForce).toEqual({ ...CONFIG, services: SERVICES })
  })

  it('is refused with the first mistake, and a warning is none', async () => {
    mistakes = [{ ...MISTAKE, severity: 'warning' }]
    expect(await run()).toBe(null)
    written = null
    mistakes = [MISTAKE, MISTAKE]
    expect(await run()).toEqual({
      code: 'config-mistaken',
      sentence:
        'the configuration has a mistake, nothing was taken over: config.yml: tandem.services.lb.mode often is not a mode (and 1 more)',
      mend: 'write active, always or manual',
    })
    expect(applied).toEqual([])
  })

  it('leaves in force what was when the services refuse it', async () => {
    written = { ...CONFIG, services: SERVICES }
    refusal = 'lb could not be stopped; nothing was changed'
    expect(await run()).toMatchObject({ code: 'not-applied', sentence: refusal })
    expect(inForce).toBe(CONFIG)
  })

  it('happens one at a time', async () => {
    const one = reload()
    const [, second] = await Promise.all([one.run(() => {}), one.run(() => {})])
    expect(second?.code).toBe('reload-under-way')
    expect(await one.run(() => {})).toBe(null)
  })
})
