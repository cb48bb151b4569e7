/** Every claim, and every mutant. */
import { CARRYING_CLAIMS } from './claims/carrying.ts'
import { DATA_CLAIMS } from './claims/data.ts'
import { ELECTION_CLAIMS } from './claims/election.ts'
import { GAP_CLAIMS } from './claims/gap.ts'
import { HEARTBEAT_CLAIMS } from './claims/heartbeat.ts'
import { RIGHTS_CLAIMS } from './claims/rights.ts'
import { SWITCHOVER_CLAIMS } from './claims/switchover.ts'
import { TAKEOVER_CLAIMS } from './claims/takeover.ts'
import { VACANCY_CLAIMS } from './claims/vacancy.ts'
import type { Mutant } from './mutant.ts'
import { DATA_MUTANTS } from './mutants/data.ts'
import { ELECTION_MUTANTS } from './mutants/election.ts'
import { HEARTBEAT_MUTANTS } from './mutants/heartbeat.ts'
import { RIGHTS_MUTANTS } from './mutants/rights.ts'
import { TAKEOVER_MUTANTS } from './mutants/takeover.ts'

export const CLAIMS = [
  ...HEARTBEAT_CLAIMS,
  ...RIGHTS_CLAIMS,
  ...TAKEOVER_CLAIMS,
  ...VACANCY_CLAIMS,
  ...ELECTION_CLAIMS,
  ...SWITCHOVER_CLAIMS,
  ...GAP_CLAIMS,
  ...DATA_CLAIMS,
  ...CARRYING_CLAIMS,
]

/** Every mutant. */
export const MUTANTS: readonly Mutant[] = [
  ...HEARTBEAT_MUTANTS,
  ...RIGHTS_MUTANTS,
  ...TAKEOVER_MUTANTS,
  ...ELECTION_MUTANTS,
  ...DATA_MUTANTS,
]
