/**
 * By which means is a service run? What each back-end gets of a service's configuration: its name and its part.
 */
import type { ServiceBackend } from '../config/config.ts'

type Named<Kind extends ServiceBackend['kind']> = { name: string } & Extract<
  ServiceBackend,
  { kind: Kind }
>

export type SystemdServiceConfig = Named<'systemd'>
export type CommandServiceConfig = Named<'command'>
export type MonitServiceConfig = Named<'monit'>
export type OcfServiceConfig = Named<'ocf'>

export type ServiceConfig =
  | SystemdServiceConfig
  | CommandServiceConfig
  | MonitServiceConfig
  | OcfServiceConfig
