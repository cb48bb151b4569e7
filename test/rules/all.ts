/** Every claim of every chapter. */
import { CARRYING_CLAIMS } from './claims/carrying.ts'
import { DATA_CLAIMS } from './claims/data.ts'
import { ELECTION_CLAIMS } from './claims/election.ts'
import { GAP_CLAIMS } from './claims/gap.ts'
import { HEARTBEAT_CLAIMS } from './claims/heartbeat.ts'
import { RIGHTS_CLAIMS } from './claims/rights.ts'
import { SWITCHOVER_CLAIMS } from './claims/switchover.ts'
import { TAKEOVER_CLAIMS } from './claims/takeover.ts'
import { VACANCY_CLAIMS } from './claims/vacancy.ts'

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
