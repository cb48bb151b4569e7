/** Goal: a watchdog is used when somebody says so and never otherwise, and each mistake is named with its mend. */
import { expect, test } from 'vitest'
import { CONFIG, judgeTexts, linesOf } from '../helpers/config-case.ts'

const judged = (tandem: string, platform = '') =>
  judgeTexts({ config: `${CONFIG}${tandem === '' ? '' : `  watchdog: ${tandem}\n`}${platform}` })
const watchdogOf = (tandem: string, platform = '') => judged(tandem, platform).config?.watchdog
const saidOf = (tandem: string) => linesOf(judged(tandem).mistakes)

const USUAL = { device: '/dev/watchdog', timeoutSeconds: 20 }

test('it is off unless it is asked for', () => {
  expect(watchdogOf('')).toBe(null)
  for (const word of ['no', 'off', 'false', "'no'"]) expect(watchdogOf(word)).toBe(null)
  for (const word of ['yes', 'on', 'true', "'yes'", '{}']) expect(watchdogOf(word)).toEqual(USUAL)
})

test('device and time can be chosen, each by itself', () => {
  expect(watchdogOf('{device: /dev/watchdog1}')).toEqual({ ...USUAL, device: '/dev/watchdog1' })
  expect(watchdogOf('{timeout_seconds: 5}')).toEqual({ ...USUAL, timeoutSeconds: 5 })
  expect(watchdogOf('{timeoutSeconds: 300}')).toEqual({ ...USUAL, timeoutSeconds: 300 })
})

test("the platform's own switch, of another watchdog, has no machine reset", () => {
  expect(watchdogOf('', 'heartbeat: {hb_watchdog: {enable: yes}}\n')).toBe(null)
})

const KEY = 'error config.yml:5 tandem.watchdog'

test.each([
  [
    'maybe',
    `${KEY}=maybe is neither yes nor no -> write yes, no or {device: /dev/watchdog, timeout_seconds: 20}`,
  ],
  [
    '/dev/watchdog1',
    `${KEY}=/dev/watchdog1 is neither yes nor no -> write yes, no or {device: /dev/watchdog, timeout_seconds: 20}`,
  ],
  [
    '[/dev/watchdog]',
    `${KEY} is neither yes nor no -> write yes, no or {device: /dev/watchdog, timeout_seconds: 20}`,
  ],
  [
    '{devise: /dev/watchdog1}',
    `${KEY}.devise=/dev/watchdog1 is not a known key -> did you mean device?`,
  ],
  ['{port: 1}', `${KEY}.port=1 is not a known key -> known are device, timeout_seconds`],
  [
    '{device: watchdog1}',
    `${KEY}.device=watchdog1 is not an absolute path -> write it from the root, as /dev/watchdog`,
  ],
  [
    '{device: [/dev/watchdog]}',
    `${KEY}.device is a list where one value is expected -> write one value`,
  ],
  [
    '{timeout_seconds: 4}',
    `${KEY}.timeout_seconds=4 is too small -> write a whole number of seconds from 5 to 300, digits only`,
  ],
  [
    '{timeout_seconds: 301}',
    `${KEY}.timeout_seconds=301 is too large -> write a whole number of seconds from 5 to 300, digits only`,
  ],
  [
    '{timeout_seconds: 20s}',
    `${KEY}.timeout_seconds=20s is not a whole number -> write a whole number of seconds from 5 to 300, digits only`,
  ],
])('a mistake is told once, with its mend: %s', (tandem, sentence) => {
  expect(saidOf(tandem)).toEqual([sentence])
})
