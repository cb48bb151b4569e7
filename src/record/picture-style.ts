/**
 * Which colours does the picture have? Green serves, red is nobody, blue is heard; light, and dark.
 */
export const PICTURE_STYLE = `
text { font-family: system-ui, "DejaVu Sans", Helvetica, Arial, sans-serif; font-size: 12px; fill: #27303a }
.paper { fill: #ffffff }
.title { font-size: 18px; font-weight: 600 }
.why { font-size: 13px }
.subtitle, .tick { fill: #66727f }
.tick { font-size: 11px; text-anchor: middle }
.node { font-size: 14px; font-weight: 600 }
.label { text-anchor: end; fill: #4a5663 }
.label.thin { font-size: 10px; fill: #7b8794 }
.grid { stroke: #e6eaef; stroke-width: 1 }
.zero { stroke: #8794a1; stroke-width: 1; stroke-dasharray: 3 3 }
.track { fill: #f3f5f8 }
.inside { font-size: 11px }
.role-standby { fill: #c3cdd8 }
.role-candidate { fill: #e3b341 }
.role-active, .gate { fill: #2f9e62 }
.role-demoting { fill: #dd7f45 }
.role-active-text { fill: #ffffff }
.heard { fill: #4f86d9 }
.majority { fill: #7d74cf }
.free { fill: #b7a46a }
.condition { fill: #a99fe3 }
.lease { fill: #93d3b0 }
.address { fill: #2a8f9d }
.pause { fill: #8794a1; opacity: 0.18 }
.pause-label { text-anchor: middle; fill: #66727f; font-size: 11px }
.outage { fill: #d64545; opacity: 0.13 }
.outage-label { text-anchor: middle; fill: #c03434; font-weight: 600 }
.note { fill: #4a5663 }
.note-number { text-anchor: middle; font-size: 10px; fill: #ffffff }
.note-text { fill: #4a5663; white-space: pre }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e9ef }
  .paper { fill: #14181d }
  .subtitle, .tick, .pause-label { fill: #94a1ae }
  .label { fill: #b6c1cc }
  .label.thin { fill: #8c99a6 }
  .grid { stroke: #262d35 }
  .zero { stroke: #6d7a87 }
  .track { fill: #1b2127 }
  .role-standby { fill: #3d4854 }
  .role-candidate { fill: #b98a1d }
  .role-active, .gate { fill: #2f9e62 }
  .role-active-text { fill: #ffffff }
  .role-demoting { fill: #c0662e }
  .heard { fill: #4379c9 }
  .majority { fill: #7268c6 }
  .free { fill: #80713f }
  .condition { fill: #574f96 }
  .lease { fill: #1f6b45 }
  .address { fill: #27818e }
  .outage { fill: #ff5a5a; opacity: 0.2 }
  .outage-label { fill: #ff7b7b }
  .note { fill: #94a1ae }
  .note-number { fill: #14181d }
  .note-text { fill: #b6c1cc }
}
`
