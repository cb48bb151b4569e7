import { expect, it } from 'vitest'
import { Complaints } from '../../src/links/complaint.ts'

it('a complaint is said once in ten seconds per kind, and the next one tells how many were swallowed', () => {
  const said: string[] = []
  const complaints = new Complaints((sentence) => said.push(sentence))
  for (let ms = 0; ms < 10_000; ms += 1) complaints.raise('a', ms, () => `a at ${ms}`)
  complaints.raise('b', 5, () => 'b')
  complaints.raise('a', 10_000, () => 'a again')
  complaints.raise('a', 20_000, () => 'a later')
  expect(said).toEqual(['a at 0', 'b', 'a again (and 9999 more of this kind before)', 'a later'])
})
