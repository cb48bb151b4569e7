/**
 * Which kind of service is meant? The one place that knows them all.
 */
import type { StoreFinding } from './replicated-store.ts'
import type { ManagedService, ServiceResult } from './service.ts'
import { CommandService } from './service-child.ts'
import type { ServiceConfig } from './service-config.ts'
import { MonitService } from './service-monit.ts'
import { OcfService } from './service-ocf.ts'
import { SystemdService } from './service-systemd.ts'

/** Opens it; nothing is started, and nothing looked at yet. To be closed by the caller. */
export function openService(config: ServiceConfig): ManagedService {
  switch (config.kind) {
    case 'systemd':
      return new SystemdService(config)
    case 'command':
      return new CommandService(config)
    case 'monit':
      return new MonitService(config)
    case 'ocf':
      return new OcfService(config)
  }
}

/**
 * What an operator has to mend so that nobody but us starts the service. Changes nothing.
 *
 * @returns none for kinds that nobody else can start
 */
export async function inspectService(
  config: ServiceConfig,
  limitMs: number,
): Promise<ServiceResult<readonly StoreFinding[]>> {
  switch (config.kind) {
    case 'systemd':
      return await inspectAndClose(new SystemdService(config), limitMs)
    case 'monit':
      return await inspectAndClose(new MonitService(config), limitMs)
    case 'command':
    case 'ocf':
      return { ok: true, value: [], durationMs: 0 }
  }
}

async function inspectAndClose(
  service: SystemdService | MonitService,
  limitMs: number,
): Promise<ServiceResult<readonly StoreFinding[]>> {
  try {
    return await service.inspect(limitMs)
  } finally {
    service.close()
  }
}
