/** Goal: a watchdog is used when somebody says so and never otherwise, and each mistake is named with its mend. */
import { expect, test } from 'vitest'
import { CONFIG, judgeTexts, linesOf } from '../helpers/config-case.ts'

const judged = (tandem: string, platform = '') =>
  judgeTexts({ config: `${CONFIG}${tandem === '' ? '' : `  watchdog: ${tandem}\n`}${platform}` })
const watchdogOf = (tandem: string, platform = '') => judged(tandem, platform).config?.watchdog
const saidOf = (tandem: string, platform = '') => linesOf(judged(tandem, platform).mistakes)

const USUAL = { device: '/dev/watchdog', timeoutSeconds: 20, whereThereIsOne: false }
const OLDER = (enable: string) => `heartbeat: {hb_watchdog: {enable: ${enable}}}\n`

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

test("the platform's own switch asks for one where there is one, and ours goes before it", () => {
  const there = { ...USUAL, whereThereIsOne: true }
  expect(watchdogOf('', OLDER('yes'))).toEqual(there)
  expect(watchdogOf('~', OLDER("'yes'"))).toEqual(there)
  expect(watchdogOf('', OLDER('no'))).toBe(null)
  expect(watchdogOf('no', OLDER('yes'))).toBe(null)
  expect(watchdogOf('yes', OLDER('no'))).toEqual(USUAL)
})

test("the platform's newer section goes before its older one", () => {
  const both = (ha: string, heartbeat: string) =>
    judgeTexts({
      config: `ha:
  pingnodes: [192.0.2.1, 192.0.2.2, 192.0.2.3]
  hb_watchdog: {enable: ${ha}}
${OLDER(heartbeat)}`,
    }).config?.watchdog
  expect(both('yes', 'no')).not.toBe(null)
  expect(both('no', 'yes')).toBe(null)
  expect(both('~', 'yes')).not.toBe(null)
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

test("a word of the platform's that is none is told where it stands", () => {
  expect(saidOf('', OLDER('maybe'))).toEqual([
    'error config.yml:5 heartbeat.hb_watchdog.enable=maybe is neither yes nor no -> write yes or no',
  ])
})
