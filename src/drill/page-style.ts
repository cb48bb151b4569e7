/**
 * How does the page of a drill look? Light and dark, on a wall and on a phone; loads nothing.
 */
export const PAGE_STYLE = `
:root {
  --ground: #f4f6f8; --card: #ffffff; --ink: #15202b; --quiet: #51606e; --line: #d5dce3;
  --good: #08703c; --warn: #8a5200; --bad: #b3201a; --sp1: #1f6a9f; --sp2: #1e7a48; --track: #eef1f4;
  --on: #ffffff;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1318; --card: #171e25; --ink: #e8edf2; --quiet: #9fadba; --line: #2c3742;
    --good: #52cf8f; --warn: #e9b44c; --bad: #ff8f87; --sp1: #5aa7dc; --sp2: #46b87b; --track: #212a33;
    --on: #0e1318;
  }
}
* { box-sizing: border-box }
body {
  margin: 0 auto; max-width: 62rem; padding: clamp(0.75rem, 3vw, 2rem); background: var(--ground);
  color: var(--ink); line-height: 1.45; font-variant-numeric: tabular-nums;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
h1 { font-size: 1.35rem; margin: 0 }
h2 { font-size: 1.05rem; margin: 0 0 0.75rem }
h3 { font-size: 0.85rem; font-weight: 600; color: var(--quiet); margin: 1rem 0 0.25rem }
p { margin: 0.25rem 0 }
ul, ol { margin: 0; padding: 0; list-style: none }
section, header {
  background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1rem; margin-bottom: 1rem;
}
.quiet { color: var(--quiet) }
.outcome { font-weight: 650; font-size: 1.05rem }
.good { color: var(--good) } .warn { color: var(--warn) } .bad { color: var(--bad) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 0.75rem; margin-top: 1rem }
.tile { border: 1px solid var(--line); border-radius: 10px; padding: 0.6rem 0.75rem }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2 }
.tile span { color: var(--quiet); font-size: 0.8rem }
.strip { margin: 0.35rem 0 0.6rem }
.strip .name { font-size: 0.8rem; overflow-wrap: anywhere }
.track { position: relative; height: 1.1rem; border-radius: 4px; background: var(--track); overflow: hidden }
.span { position: absolute; top: 0; bottom: 0; min-width: 2px; overflow: hidden; color: var(--on); font-size: 0.7rem; text-indent: 4px }
.sp1 { background: var(--sp1) } .sp2 { background: var(--sp2) }
.axis { display: flex; justify-content: space-between; color: var(--quiet); font-size: 0.75rem }
.key { font-size: 0.8rem; margin-top: 0.5rem }
.key i { display: inline-block; width: 0.8rem; height: 0.8rem; border-radius: 3px; margin: 0 0.3rem 0 0.8rem; vertical-align: -1px }
.key .none { background: var(--track); border: 1px solid var(--line) }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: 0.4rem 0.6rem 0.4rem 0; border-top: 1px solid var(--line); vertical-align: top }
th { font-size: 0.75rem; font-weight: 600; color: var(--quiet); border-top: 0 }
td.number { white-space: nowrap; font-weight: 600 }
td:nth-child(5) { white-space: nowrap }
td.note { color: var(--quiet); font-size: 0.85rem; overflow-wrap: anywhere }
.steps li { display: grid; grid-template-columns: 5.5rem 1fr; gap: 0.5rem; padding: 0.2rem 0 }
.steps time { color: var(--quiet); text-align: right; white-space: nowrap }
.rows li { padding: 0.25rem 0; overflow-wrap: anywhere }
@media (max-width: 40rem) {
  thead { display: none }
  tr { display: block; border-top: 1px solid var(--line); padding: 0.5rem 0 }
  td { display: block; border: 0; padding: 0.05rem 0 }
  td.number { display: inline-block; padding-right: 0.75rem }
  td:empty { display: none }
  .steps li { grid-template-columns: 4.2rem 1fr }
}
@media print { body { max-width: none } section, header { break-inside: avoid } }
`
