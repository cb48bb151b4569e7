import { expect, test } from 'vitest'
import { reportFailure } from '../../src/cli/ask.ts'
import type { AskFailure } from '../../src/control/client.ts'
import { ERRORS, type ErrorCode } from '../../src/errors.ts'
import { capturedIo } from '../fixtures/captured-io.ts'

test.each<[AskFailure['code'], ErrorCode]>([
  ['unreachable', 'HA_CONTROL_UNREACHABLE'],
  ['unreachable', 'HA_HEART_SILENT'],
  ['garbled', 'HA_CONTROL_GARBLED'],
  ['unknown', 'HA_OPERATION_UNKNOWN'],
  ['timeout', 'HA_CONTROL_TIMEOUT'],
  ['forbidden', 'HA_CONTROL_FORBIDDEN'],
  ['refused', 'HA_READ_ONLY'],
  ['refused', 'HA_INTERNAL'],
])('a command that ends %s has the exit code of %s', (code, errorCode) => {
  const failure: AskFailure = { ok: false, code, errorCode, message: 'm', mend: 'd' }
  const io = capturedIo()
  expect(reportFailure(failure, { command: 'x', json: false, io })).toBe(ERRORS[errorCode].exitCode)
  expect([io.out, io.err]).toStrictEqual(['', 'tandem x: m\n  mend: d\n'])
})
