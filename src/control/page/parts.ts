/**
 * Which part of the page shows what? Each is drawn anew only when its words changed.
 */
import { formatMs } from '../duration.ts'
import { balancerWanted, balancerWord } from '../load-balancer-word.ts'
import type { ExplainDocument, HistoryDocument, StatusDocument, TakenStep } from '../schema.ts'
import { serviceWord } from '../service-word.ts'
import { formatBytes } from '../space-sentence.ts'
import { peerStoreWord, storeWord } from '../store-word.ts'
import { type Word, word } from '../tone.ts'
import { drawLinks, drawNode, drawTable, element, find, redraw } from './draw.ts'
import { nodeViews, pathViews, pingViews } from './view.ts'

export function drawStatus(status: StatusDocument, live: boolean): void {
  for (const view of nodeViews(status)) {
    const place = find(view.name)
    place.dataset['tone'] = view.role.tone
    redraw(place, [view, live], () => drawNode(view, live))
  }
  const paths = pathViews(status)
  redraw(find('paths'), paths, () => drawLinks('Paths', paths))
  const pings = pingViews(status)
  const theirs = status.peer.heard && status.peer.score !== null
  const reached = theirs ? `, ${status.peerNode} ${status.peer.score}` : ''
  const title = `Ping nodes: ${status.node} reaches ${status.score} of ${pings.length}${reached}`
  redraw(find('ping-nodes'), [title, pings], () => drawLinks(title, pings))
  drawAlarms(status)
  drawStores(status)
  drawServices(status)
  drawLoadBalancers(status)
  const { version, timing, profile, self } = status
  const agent =
    `Tandem ${version}, ${profile}: heartbeat ${timing.heartbeatMs} ms, lease ${timing.leaseMs} ms. ` +
    `The agent of ${status.node} runs for ${formatMs(Math.floor(self.uptimeMs / 60_000) * 60_000)}.`
  redraw(find('agent'), agent, () => [agent])
}

function drawAlarms({ alarms, local }: StatusDocument): void {
  const place = find('alarms')
  const sentences = [
    ...local.unhealthyReasons.map((sentence) => ({ sentence, mend: '', since: '' })),
    ...alarms.map(({ sentence, mend, sinceIso }) => ({
      sentence,
      mend,
      since: whenText(sinceIso),
    })),
  ]
  place.hidden = sentences.length === 0
  redraw(place, sentences, () => [
    element('h2', {}, `To mend: ${sentences.length}`),
    element(
      'ul',
      {},
      ...sentences.map(({ sentence, mend, since }) =>
        element(
          'li',
          {},
          sentence,
          since === '' ? null : element('span', { class: 'quiet' }, ` since ${since}`),
          mend === '' ? null : element('p', { class: 'quiet' }, mend),
        ),
      ),
    ),
  ])
}

function drawStores({ stores }: StatusDocument): void {
  const place = find('stores')
  place.hidden = stores.length === 0
  const rows = stores.map((store) => [
    word(store.name),
    storeWord(store),
    peerStoreWord(store),
    store.backlog === null ? word('-', 'dim') : word(String(store.backlog)),
    store.space === null
      ? word('?', 'dim')
      : word(formatBytes(store.space.freeBytes), toneOf(store.space.state)),
    comparedWord(store),
  ])
  redraw(place, rows, () => [
    element('h2', {}, 'Stores'),
    drawTable(['Store', 'Here', 'The other copy', 'Backlog', 'Free', 'Compared'], rows),
  ])
}

function comparedWord({ verified }: StatusDocument['stores'][number]): Word {
  if (verified === null) return word('never', 'dim')
  const when = whenText(verified.finishedIso)
  return word(`${verified.sentence}, ${when}`, verified.differences === 0 ? 'plain' : 'bad')
}

function toneOf(state: 'enough' | 'low' | 'critical'): 'plain' | 'warn' | 'bad' {
  return state === 'enough' ? 'plain' : state === 'low' ? 'warn' : 'bad'
}

function drawServices({ services, node }: StatusDocument): void {
  const place = find('services')
  place.hidden = services.length === 0
  const rows = services.map((service) => [
    word(service.name),
    serviceWord(service),
    word(service.wanted ?? 'by an operator'),
    word(service.process),
    service.probed
      ? word(service.probe, service.probe === 'failing' ? 'bad' : 'plain')
      : word('none', 'dim'),
    word(`${service.failures} of ${service.failuresMax}`, service.failures > 0 ? 'warn' : 'plain'),
  ])
  redraw(place, rows, () => [
    element('h2', {}, `Services of ${node}`),
    drawTable(['Service', 'Is', 'Wanted', 'Process', 'Probe', 'Failures'], rows),
  ])
}

function drawLoadBalancers({ loadBalancers, drained }: StatusDocument): void {
  const place = find('load-balancers')
  place.hidden = loadBalancers.length === 0
  const rows = loadBalancers.map((balancer) => [
    word(`${balancer.name} (${balancer.kind})`),
    balancerWord(balancer),
    balancerWanted(balancer, drained),
    word(`${balancer.destination}, set ${balancer.set}`),
  ])
  redraw(place, rows, () => [
    element('h2', {}, drained ? 'Load-balancers: the pair is drained' : 'Load-balancers'),
    drawTable(['Load-balancer', 'Has this pair as', 'Wanted', 'Destination'], rows),
  ])
}

export function drawTimeline({ transitions, losses, node }: HistoryDocument): void {
  const entries = [
    ...transitions.map(({ atIso, from, to, term, reason, outageMs, steps }) => ({
      atIso,
      what: `${from} to ${to}`,
      why: reason.sentence,
      more: `term ${term}${outageMs === null ? '' : `, nobody served for ${formatMs(outageMs)}`}`,
      steps: steps ?? [],
    })),
    ...losses.map(({ atIso, store, sentence }) => ({
      atIso,
      what: `taken over, ${store}`,
      why: sentence,
      more: '',
      steps: [],
    })),
  ].sort((one, other) => Date.parse(other.atIso) - Date.parse(one.atIso))
  redraw(find('timeline'), entries, () => [
    element('h2', {}, `Changes of the role of ${node}`),
    entries.length === 0
      ? element('p', { class: 'quiet' }, 'none yet')
      : element(
          'ol',
          { class: 'timeline' },
          ...entries.map(({ atIso, what, why, more, steps }) =>
            element(
              'li',
              {},
              element('time', { datetime: atIso }, whenText(atIso)),
              element('strong', {}, what),
              element('span', {}, why),
              element('span', { class: 'quiet' }, more),
              steps.length === 0 ? null : drawSteps(steps),
            ),
          ),
        ),
  ])
}

/** Folded: what was slow is looked for seldom, and then here. */
function drawSteps(steps: readonly TakenStep[]): HTMLElement {
  return element(
    'details',
    {},
    element('summary', {}, `${steps.length} steps`),
    element(
      'ol',
      { class: 'steps' },
      ...steps.map(({ afterMs, sentence }) =>
        element(
          'li',
          {},
          element('span', { class: 'at' }, `+${formatMs(afterMs)}`),
          element('span', {}, sentence),
        ),
      ),
    ),
  )
}

export function drawExplain({ ifs, question, blockers }: ExplainDocument): void {
  redraw(find('explain'), [ifs, question, blockers], () => [
    element('h2', {}, 'What would happen now, if …'),
    element(
      'dl',
      { class: 'ifs' },
      ...ifs.map(({ fault, outcome, boundMs }) => {
        const bound =
          boundMs === null
            ? 'no bound'
            : boundMs === 0
              ? 'no interruption'
              : `within ${formatMs(boundMs)}`
        return element(
          'div',
          {},
          element('dt', {}, fault),
          element(
            'dd',
            {},
            outcome,
            ' ',
            element(
              'span',
              { class: boundMs === null ? 'bound warn' : 'bound quiet' },
              `(${bound})`,
            ),
          ),
        )
      }),
    ),
  ])
}

/** Wall time in UTC, as in logs and in the terminal. */
export function whenText(iso: string): string {
  const [, day, time] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)/.exec(iso) ?? []
  return day === undefined || time === undefined ? iso : `${day} ${time} UTC`
}
