/**
 * How is a drill shown to people who were not there? One file that needs nothing else: no script, no link.
 *
 * Every text of it comes from elsewhere (names, sentences of servers) and is escaped.
 */
import { PAGE_STYLE } from './page-style.ts'
import { type DrillReport, type Figure, figuresOf, type Phase, type Strip } from './report.ts'
import {
  amountText,
  boundText,
  deltaText,
  judgementOf,
  OUTCOMES,
  phaseTitle,
  titleOf,
} from './words.ts'

/** Shown before what happened. */
const BEFORE_MS = 150
/** At least so much is shown. */
const SHOWN_MIN_MS = 400

/** The whole file. */
export function pageOf(report: DrillReport): string {
  const { outcome, reason, node, startedIso, profile, version, after, id } = report
  const title = `Drill: ${titleOf(report)}`
  const tone = outcome === 'kept' ? 'good' : 'bad'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)} - ${text(startedIso)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${text(title)}</h1>
<p class="quiet">run on ${text(node)}, ${text(startedIso)}, profile ${text(profile)}, Tandem ${text(version)} (${text(id)})</p>
<p class="outcome ${tone}">${text(OUTCOMES[outcome])}</p>
${reason === null ? '' : `<p>${text(reason)}</p>`}
<p>${text(after)}</p>
<div class="tiles">${tiles(report)}</div>
</header>
<main>
${report.phases.map((phase) => phaseSection(report, phase)).join('\n')}
<section><h2>Steps</h2><ol class="steps">${stepItems(report)}</ol></section>
<section><h2>Alarms meanwhile</h2>${alarmList(report)}</section>
${notMeasured(report)}
</main>
<footer class="quiet">Questions to floating IPs were late by up to ${report.noiseMs} ms, others by ${report.lateMs} ms: less is no finding. Times count from its first probe.</footer>
</body>
</html>
`
}

function tiles(report: DrillReport): string {
  const figures = figuresOf(report)
  const worst = (prefix: string): number | null => {
    const values = figures.flatMap(({ key, value }) =>
      key.startsWith(prefix) && value !== null ? [value] : [],
    )
    return values.length === 0 ? null : Math.max(...values)
  }
  const lost = figures.flatMap(({ key, value }) => (key.startsWith('lost ') ? [value ?? 0] : []))
  const worse = report.compared.filter(({ verdict }) => verdict === 'worse').length
  const tile = (value: string, what: string, tone = ''): string =>
    `<div class="tile"><b class="${tone}">${text(value)}</b><span>${text(what)}</span></div>`
  const shown = [tile(amountText(worst('outage '), 'ms'), 'longest silence of a floating IP')]
  const call = worst('call ')
  if (call !== null) shown.push(tile(amountText(call, 'ms'), 'longest gap in a call'))
  const stall = worst('stall ')
  if (stall !== null) shown.push(tile(amountText(stall, 'ms'), 'longest stall of a store'))
  if (lost.length > 0) {
    const sum = lost.reduce((total, one) => total + one, 0)
    shown.push(tile(String(sum), 'confirmed writes lost', sum > 0 ? 'bad' : ''))
  }
  if (report.compared.length > 0) {
    shown.push(tile(String(worse), 'figures worse than last time', worse > 0 ? 'warn' : ''))
  }
  return shown.join('')
}

function phaseSection(report: DrillReport, phase: Phase): string {
  const rows = phase.figures.map((figure) => figureRow(report, figure)).join('')
  return `<section><h2>${text(phaseTitle(phase.name))}</h2>
<table><thead><tr><th>What</th><th>Measured</th><th>Bound</th><th>Judged</th><th>Last time</th><th>To know</th></tr></thead>
<tbody>${rows}</tbody></table>
${timeline(report, phase)}</section>`
}

function figureRow(report: DrillReport, figure: Figure): string {
  const judgement = judgementOf(figure, report.noiseMs)
  const tone = judgement === 'kept' ? 'good' : judgement === 'broken' ? 'bad' : 'quiet'
  const beside = report.compared.find(({ key }) => key === figure.key)
  const delta = deltaText(beside, figure.unit)
  const deltaTone = beside?.verdict === 'worse' ? 'warn' : 'quiet'
  const said = judgement === 'told' ? '' : judgement
  return `<tr><td>${text(figure.what)}</td><td class="number">${text(amountText(figure.value, figure.unit))}</td>
<td class="number quiet">${text(boundText(figure))}</td><td class="number ${tone}">${text(said)}</td>
<td class="${deltaTone}">${text(delta)}</td><td class="note">${text(figure.note ?? '')}</td></tr>`
}

/** Who answered when, from a moment before to where everything answers again. */
function timeline({ strips }: DrillReport, phase: Phase): string {
  if (strips.length === 0) return ''
  const fromMs = phase.fromMs - BEFORE_MS
  const toMs = Math.min(phase.toMs, shownUntil(strips, phase))
  const wholeMs = toMs - fromMs
  const lines = strips.map(({ name, spans }) => {
    const drawn = spans.flatMap((span) => {
      const left = Math.max(span.fromMs, fromMs)
      const right = Math.min(span.toMs, toMs)
      if (right < left) return []
      const at = percent((left - fromMs) / wholeMs)
      const wide = percent((right - left) / wholeMs)
      const by = span.by === 'sp1' ? 'sp1' : 'sp2'
      return [`<div class="span ${by}" style="left:${at};width:${wide}">${by}</div>`]
    })
    return `<div class="strip"><div class="name">${text(name)}</div><div class="track">${drawn.join('')}</div></div>`
  })
  return `<h3>Who answered</h3>
${lines.join('\n')}
<div class="axis"><span>-${BEFORE_MS} ms</span><span>+${Math.round(fromMs + wholeMs / 2 - phase.fromMs)} ms</span><span>+${Math.round(toMs - phase.fromMs)} ms</span></div>
<p class="key"><i class="sp1"></i>sp1<i class="sp2"></i>sp2<i class="none"></i>nobody</p>`
}

/** A third beyond the end of the last gap. */
function shownUntil(strips: readonly Strip[], { fromMs, toMs }: Phase): number {
  const begins = strips.flatMap(({ spans }) =>
    spans
      .slice(1)
      .flatMap((span) =>
        span.fromMs > fromMs && span.fromMs < toMs ? [span.fromMs - fromMs] : [],
      ),
  )
  return fromMs + Math.max(SHOWN_MIN_MS, ...begins.map((ms) => ms * 1.35))
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`
}

function stepItems({ steps }: DrillReport): string {
  if (steps.length === 0) return '<li>none is known</li>'
  return steps
    .map(({ atMs, node, sentence }) => {
      const who = node === null ? '' : `${node}: `
      const when = atMs === null ? '' : `+${Math.round(atMs)} ms`
      return `<li><time>${when}</time><span>${text(who + sentence)}</span></li>`
    })
    .join('')
}

function alarmList({ alarms }: DrillReport): string {
  if (alarms.length === 0) return '<p>None was raised.</p>'
  const items = alarms.map(
    ({ atMs, code, sentence }) =>
      `<li><span class="quiet">+${atMs} ms</span> <b>${text(code)}</b>: ${text(sentence)}</li>`,
  )
  return `<ul class="rows">${items.join('')}</ul>`
}

function notMeasured(report: DrillReport): string {
  if (report.notMeasured.length === 0) return ''
  const items = report.notMeasured.map(
    ({ what, why, mend }) =>
      `<li><b>${text(what)}</b>: ${text(why)}. <span class="quiet">${text(mend)}</span></li>`,
  )
  return `<section><h2>Not measured</h2><ul class="rows">${items.join('')}</ul></section>`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A text as HTML shows it, in an element or an attribute. */
function text(value: string): string {
  const escaped = value.replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? '')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they have no place in a page.
  return escaped.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}
