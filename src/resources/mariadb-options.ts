/**
 * What must a MariaDB store be told?
 *
 * Addresses, accounts and two choices; read from the configuration by whoever makes the store. Passwords
 * go no further than into the handshake and into CHANGE MASTER.
 */
import type { Login, ServerAddress } from './mariadb-door.ts'

export interface MariadbOptions {
  name: string
  /** Ours. */
  server: ServerAddress
  /** The peer's: for its slave threads and for us. */
  peer: ServerAddress
  /** Of our account, the same on both servers. */
  user: string
  password: string
  /** With it the servers follow each other. */
  replicationUser: string
  replicationPassword: string
  /** Account that compares both servers; its sessions are nobody's work. */
  verifyUser?: string | null
  /** Account that undoes transactions of a returning node; null: it is copied anew by hand. */
  undo: Login | null
  /** Whether a write may wait for the peer at all. */
  semiSync: boolean
  /** How long a write waits for a standby that went silent, once; then writes go on without. */
  semiSyncTimeoutMs: number
  /** Null: as the server tells it. */
  pidFile: string | null
  /** Null: as the server tells it. */
  binlogDirectory: string | null
  /** For names of archives; the system's clock when left out. */
  now?: () => Date
}
