import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type KeptOfService, ServiceRecord } from '../../src/daemon/service-record.ts'

const LB: KeptOfService = {
  process: { pid: 7, startTicks: '1234' },
  ...{ exhausted: true, monitored: false, held: true },
}

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'service-record-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const path = () => join(directory, 'services.json')

describe('what the next agent knows of the services', () => {
  it('is what was written last', async () => {
    expect(await new ServiceRecord(directory).read()).toEqual({ kept: new Map(), trouble: null })
    const record = new ServiceRecord(directory)
    await record.write(new Map([['lb', { ...LB, process: null }]]))
    expect(await record.write(new Map([['lb', LB]]))).toBe(null)
    expect(await new ServiceRecord(directory).read()).toEqual({
      kept: new Map([['lb', LB]]),
      trouble: null,
    })
  })

  it('names no process of another boot of the machine', async () => {
    await new ServiceRecord(directory).write(new Map([['lb', LB]]))
    const written = JSON.parse(readFileSync(path(), 'utf8'))
    writeFileSync(path(), JSON.stringify({ ...written, boot: 'another' }))
    const { kept } = await new ServiceRecord(directory).read()
    expect(kept.get('lb')).toEqual({ ...LB, process: null })
  })

  it('is nothing, and said, where the file is garbage', async () => {
    for (const text of ['', '{"schema": 9}', '[1]', '{"schema": 1, "services": {"lb": null}}']) {
      writeFileSync(path(), text)
      const { kept, trouble } = await new ServiceRecord(directory).read()
      expect([kept.size, typeof trouble]).toEqual([0, 'string'])
    }
  })
})
