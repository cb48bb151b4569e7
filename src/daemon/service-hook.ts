/**
 * How is a service told its role? The lines of `on_active` and `on_standby`, one after the other.
 *
 * Told again until it took it, and after each of its starts, for a service begins without knowing.
 */
import { type HookConfig, hookText } from '../config/hook-text.ts'
import { KamailioRpc } from '../resources/checks/kamailio-rpc.ts'
import { askRtpengine } from '../resources/checks/rtpengine-cli.ts'
import { askFreeswitch } from '../resources/event-socket.ts'
import { run } from '../system/exec.ts'

/** For one of them; a restored rtpengine writes every call to Redis when it becomes active. */
const HOOK_LIMIT_MS = 5_000
/** FreeSWITCH answers when it has set up every call again; a second order meanwhile would do no good. */
const RECOVER_LIMIT_MS = 30_000

/** @returns why one was not carried out, and those behind it were not tried; null when all were */
export async function runHooks(hooks: readonly HookConfig[]): Promise<string | null> {
  for (const hook of hooks) {
    const why = await runHook(hook)
    if (why !== null) return `hook "${hookText(hook)}": ${why}`
  }
  return null
}

/** A number of a set is taken as a number only. */
function asValue(word: string): string | number {
  return /^(0|[1-9]\d{0,8})$/.test(word) ? Number(word) : word
}

async function runHook(hook: HookConfig): Promise<string | null> {
  switch (hook.kind) {
    case 'rtpengine': {
      const told = await askRtpengine(hook.address, hook.port, hook.command, HOOK_LIMIT_MS)
      return told.ok ? null : told.message
    }
    case 'jsonrpc': {
      const told = await new KamailioRpc(hook).call(
        hook.method,
        hook.params.map(asValue),
        HOOK_LIMIT_MS,
      )
      return told.ok ? null : told.message
    }
    case 'freeswitch': {
      const { command, profiles } = hook
      const each = profiles.map((profile) => `sofia profile ${profile} recover`)
      const said = command === 'status' ? ['status'] : each.length > 0 ? each : ['sofia recover']
      for (const line of said) {
        const told = await askFreeswitch(hook, line, RECOVER_LIMIT_MS)
        if (!told.ok) return told.message
      }
      return null
    }
    case 'run': {
      const [command = '', ...args] = hook.argv
      const ran = await run({ label: 'the hook', command, args, timeoutMs: HOOK_LIMIT_MS })
      return ran.ok ? null : ran.message
    }
  }
}
