/**
 * In which order does the agent come up?
 *
 * One agent at a time (`directories.ts`), the interfaces, the lists for the crash helper, the gate
 * (shut), and then the running agent with its hard state, control thread and heart
 * (`running-agent.ts`).
 */
import { prepareGate } from '../gate/choose.ts'
import { FloatingIps } from '../resources/floating-ip.ts'
import { native } from '../system/native.ts'
import type { AgentEnd } from './agent-end.ts'
import { claimDirectories, using } from './directories.ts'
import { writeReleaseLists } from './release-list.ts'
import { type AgentOptions, RunningAgent } from './running-agent.ts'

/** Runs the agent until it is asked to stop, or cannot start. */
export async function runAgent(options: AgentOptions): Promise<AgentEnd> {
  const { config, runDir, stateDir } = options
  const refusal = await claimDirectories({ runDir, stateDir })
  if (refusal !== null) return refusal
  const missing = config.floatingIps.find(({ interface: name }) => native.linkState(name) === null)
  if (missing !== undefined) {
    return {
      ok: false,
      code: 'HA_INTERFACE_MISSING',
      message: `floating IP ${missing.address} belongs on ${missing.interface}, which does not exist here`,
      mend: 'correct network.yml, or bring the interface up first',
      hanging: null,
    }
  }
  const floatingIps = new FloatingIps(config.floatingIps, native)
  const listed = await using(runDir, () => writeReleaseLists(runDir, config))
  if (!listed.ok) return listed
  const gate = await prepareGate({
    choice: config.gate,
    runDir,
    floatingIps: config.floatingIps,
    interfaces: guardedInterfaces(),
    leaseMs: config.policy.timing.leaseMs,
    door: native,
  })
  if (!gate.ok) {
    return {
      ok: false,
      code: 'HA_GATE_FAILED',
      message: `no gate could be put in force: ${gate.reason}`,
      mend: 'run as root with iproute2 and bpftool installed, or set tandem.gate: auto',
      hanging: null,
    }
  }
  const agent = await RunningAgent.start(options, gate.value, floatingIps)
  return agent.ok ? agent.value.untilEnd() : agent
}

/** Linux answers address requests for any of its addresses on every interface: guard them all. */
function guardedInterfaces(): string[] {
  return native.linkNames().filter((name) => native.linkState(name)?.ethernet === true)
}
