/**
 * How is a way to the operators called where people see it?
 */
import type { AlarmChannel } from '../config/config.ts'

/** Without what may be secret. */
export function targetOf(channel: AlarmChannel): string {
  switch (channel.kind) {
    case 'mail': {
      const { to, way } = channel
      const by = way.via === 'smtp' ? `${way.host} port ${way.port}` : way.program
      return `${to.join(', ')} by ${by}`
    }
    case 'webhook':
      return new URL(channel.url).origin
    case 'command':
      return channel.argv[0] ?? ''
  }
}
