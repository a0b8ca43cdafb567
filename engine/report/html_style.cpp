#include "engine/report/html_style.h"

namespace blockcert::report {

std::string_view htmlStyle()
{
    return R"css(:root {
  color-scheme: light dark;
  --window: #F6F7F9; --panel: #FFFFFF; --line: #E1E5EA; --text: #1B2027; --secondary: #5B6675; --accent: #2B66D9;
  --good: #0B7A61; --good-fill: #E3F4EF; --bad: #B93A17; --bad-fill: #FCE9E3;
  --warning: #8A5A00; --warning-fill: #FBF0DA; --quiet-fill: #EEF1F4;
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--window); color: var(--text); overflow-wrap: break-word;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif; }
main { max-width: 880px; margin: 0 auto; padding: 32px 24px 48px; }
header { margin-bottom: 24px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; font-weight: 650; }
h2 { font-size: 19px; line-height: 1.3; margin: 0 0 12px; font-weight: 650; }
h3 { font-size: 15px; margin: 24px 0 8px; font-weight: 650; }
p, ul { margin: 0 0 12px; }
ul { padding-left: 20px; }
a { color: var(--accent); }
.scope, .made, caption, .left-out, .caption { color: var(--secondary); }
.made, .left-out, .caption, caption { font-size: 13px; }
nav { margin: 0 0 24px; font-size: 14px; }
nav ol { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 16px; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 20px 24px 12px;
  margin: 0 0 16px; }
.statement { display: flex; gap: 12px; align-items: flex-start; border-radius: 6px; padding: 12px 16px; margin: 0 0 16px;
  background: var(--quiet-fill); }
.statement svg { flex: none; width: 22px; height: 22px; margin-top: 2px; }
.statement p { margin: 0; font-weight: 550; }
.statement b { display: block; }
.statement b::first-letter { text-transform: uppercase; }
.verified { background: var(--good-fill); } .verified b, .verified svg { color: var(--good); }
.failed { background: var(--bad-fill); } .failed b, .failed svg { color: var(--bad); }
.weaker { background: var(--warning-fill); } .weaker b, .weaker svg { color: var(--warning); }
.claimed b, .claimed svg, .unchecked b, .unchecked svg { color: var(--secondary); }
.claimed, .unchecked { outline: 1px dashed var(--secondary); outline-offset: -1px; }
.wide { overflow-x: auto; margin: 0 0 16px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; line-height: 1.4; }
caption { text-align: left; padding: 0 0 6px; }
th { text-align: left; font-weight: 600; color: var(--secondary); white-space: nowrap; vertical-align: bottom; }
th, td { padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); }
td { vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; }
td.number, td.fixed, dd.fixed, code, pre { font-family: ui-monospace, "DejaVu Sans Mono", "Liberation Mono", Consolas, monospace;
  font-size: 12.5px; font-variant-numeric: tabular-nums; }
td.fixed { overflow-wrap: anywhere; }
.good { color: var(--good); } .bad { color: var(--bad); } .warning { color: var(--warning); }
.quiet { color: var(--secondary); }
dl { display: grid; grid-template-columns: minmax(120px, max-content) 1fr; gap: 4px 16px; margin: 0 0 16px;
  font-size: 14px; }
dt { color: var(--secondary); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
pre { background: var(--window); border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; margin: 0 0 16px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
figure { margin: 0 0 16px; }
figure svg { display: block; max-width: calc(100% + 20px); height: auto; margin: 0 -10px; }
figure img { display: block; max-width: 100%; height: auto; background: #FFFFFF; border-radius: 4px; }
figure .dark { display: none; }
blockquote { margin: 0 0 16px; padding: 2px 0 2px 14px; border-left: 3px solid var(--accent); white-space: pre-wrap; }
@media (max-width: 560px) { main { padding: 16px 12px; } section { padding: 16px 12px 8px; } dl { display: block; }
  dd { margin-bottom: 8px; } }
@media screen and (prefers-color-scheme: dark) {
  :root { --window: #13161A; --panel: #1A1E24; --line: #2B323B; --text: #E7EAEF; --secondary: #A0AAB8; --accent: #74A5FF;
    --good: #4CC9A8; --good-fill: #14312A; --bad: #FF8763; --bad-fill: #3A1E16;
    --warning: #E6B450; --warning-fill: #34290F; --quiet-fill: #242A32; }
  figure .light { display: none; }
  figure .dark { display: block; }
}
@media print {
  :root { color-scheme: light; }
  @page { margin: 18mm 16mm; }
  body { background: none; font-size: 10pt; }
  main { max-width: none; padding: 0; }
  nav { display: none; }
  section { border: 0; padding: 0; margin: 0 0 20pt; }
  h2, h3, caption { break-after: avoid; }
  figure, tr, .statement { break-inside: avoid; }
  thead { display: table-header-group; }
  .statement { border: 1px solid var(--line); }
}
)css";
}

}
