import { describe, expect, it } from 'vitest'
import { formatJson, formatMeaning, formatReport } from '../../src/config/check-report.ts'
import type { Mistake } from '../../src/errors.ts'
import { CONFIG, edit, judgeTexts, NETWORK } from '../helpers/config-case.ts'

const MISTAKES: Mistake[] = [
  {
    severity: 'warning',
    file: '/etc/ngcp-config/config.yml',
    key: 'ha.pingnodes',
    value: null,
    why: 'makes 4 ping nodes, an even number: where they are split in half nobody can take over',
    mend: 'add one more or remove one',
    line: 3,
  },
  {
    severity: 'error',
    file: '/etc/ngcp-config/config.yml',
    key: 'tandem.mod',
    value: 'ping',
    why: 'is not a known key',
    mend: 'did you mean mode?',
    line: 12,
  },
  {
    severity: 'error',
    file: '/etc/ngcp_nodename',
    key: '',
    value: null,
    why: 'is empty',
    mend: 'write the node name into it: sp1 or sp2',
  },
]

describe('the report', () => {
  it('shows each file once, its errors first, and says that the agent does not start', () => {
    expect(formatReport(MISTAKES)).toBe(`/etc/ngcp-config/config.yml
  ERROR    line 12  tandem.mod: ping
           is not a known key
           -> did you mean mode?
  WARNING  line 3  ha.pingnodes
           makes 4 ping nodes, an even number: where they are split in half
           nobody can take over
           -> add one more or remove one

/etc/ngcp_nodename
  ERROR    is empty
           -> write the node name into it: sp1 or sp2

2 errors, 1 warning: the agent does not start with this.
`)
  })

  it('is one line when there is nothing to say', () => {
    expect(formatReport([])).toBe('no errors, no warnings.\n')
    expect(formatReport(MISTAKES.slice(0, 1)).split('\n').at(-2)).toBe('no errors, 1 warning.')
  })

  it('cannot be given control characters or endless values by a file', () => {
    const nasty = `"\\e[31m\\n\\u202e${'x'.repeat(500)}"`
    const text = formatReport(
      judgeTexts({ network: edit(NETWORK, 'ip: 192.0.2.11', `ip: ${nasty}`) }).mistakes,
    )
    expect(text).toContain(`ip: ?[31m??${'x'.repeat(52)}…\n`)
    const key = `"sp1\\e[2J${'y'.repeat(5000)}"`
    const inKeys = formatReport(judgeTexts({ network: `hosts: {${key}: {}, sp1: ~}` }).mistakes)
    expect(inKeys).not.toContain('\u001b')
    expect(Math.max(...inKeys.split('\n').map((line) => line.length))).toBeLessThan(400)
  })

  it('does not repeat a value that may be secret', () => {
    const { mistakes } = judgeTexts({ config: 'tandem: {api_token: abc, password: def}\n' })
    expect(mistakes.slice(0, 2).map(({ key, value }) => [key, value])).toEqual([
      ['tandem.api_token', null],
      ['tandem.password', null],
    ])
  })
})

describe('the meaning of a configuration', () => {
  it('is told in one screen', () => {
    const { config } = judgeTexts({ node: 'sp2' })
    expect(config === null ? '' : formatMeaning(config)).toMatch(
      /^ {2}node {9}sp2 \(sp2\), peer sp1\n {2}mode {9}ping, UDP port 694, gate auto\n {2}timing {7}fast: heartbeat 20 ms, lease 100 ms, takeover within 260 ms\n {2}path {9}crosslink on eth1: 192\.168\.255\.252 - 192\.168\.255\.251\n {15}lan on eth0: 192\.0\.2\.12 - 192\.0\.2\.11\n {2}ping node {4}192\.0\.2\.1\n {15}192\.0\.2\.2\n {15}192\.0\.2\.3\n {2}floating IP {2}192\.0\.2\.10\/24 on eth0:0\n {2}digest {7}[0-9a-f]{16} \(must be the same on sp1\)\n$/,
    )
  })

  it('names the watchdog that would reset the machine, and who asked for it', () => {
    const meaningOf = (more: string) => {
      const { config } = judgeTexts({ config: `${CONFIG}${more}` })
      return config === null ? '' : formatMeaning(config)
    }
    expect(meaningOf('')).not.toContain('watchdog')
    expect(meaningOf('  watchdog: {timeout_seconds: 30}\n')).toContain(
      "\n  watchdog     /dev/watchdog resets this machine 30 s after the agent's last word\n",
    )
  })
})

describe('the JSON document', () => {
  it('holds everything the text says', () => {
    const files = ['/etc/ngcp-config/config.yml']
    const text = formatJson({ config: null, files, mistakes: MISTAKES }, null)
    expect(JSON.parse(text)).toEqual({
      ok: false,
      files,
      mistakes: MISTAKES,
      config: null,
      pingBudget: null,
    })
  })
})
