"""How a report looks: on a light or dark screen, and printed on A4."""

from __future__ import annotations

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What a report may load: its own style and the pictures inside it, no script, nothing from elsewhere."""

STYLE = """
:root{color-scheme:light;--ink:#1B2430;--muted:#55606C;--paper:#FFF;--line:#D5DBE2;--soft:#F3F5F8;--accent:#0B6E7F;
--plus:#D9694F;--minus:#4F93BF;--p-contribution:#62409B;--p-activation:#1D6E46;--p-weight:#7F5D00;--p-suppression:#A8323D}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;--ink:#E6EAEF;--muted:#A3ADB8;--paper:#12161B;
--line:#343D47;--soft:#1A2027;--accent:#4CC3D4;--plus:#D8816B;--minus:#6DA9D3;--p-contribution:#C6AEF4;--p-activation:#7BD8A8;
--p-weight:#F1CE6B;--p-suppression:#F59EA3}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 "Source Sans 3","Source Sans Pro",system-ui,sans-serif;
overflow-wrap:anywhere}
main{max-width:960px;margin:0 auto;padding:28px 20px 48px}
h1{font-size:25px;line-height:1.25;margin:2px 0 6px}
h2{font-size:18px;margin:34px 0 10px;padding-top:10px;border-top:1px solid var(--line)}
h3{font-size:15px;margin:16px 0 6px}
p{margin:0 0 8px;max-width:80ch}
.quiet,figcaption,caption{color:var(--muted);font-size:13px}
a{color:var(--accent)}
figure{margin:0;min-width:0}
figure img.shown{display:block;width:100%;height:auto;border:1px solid var(--line);border-radius:4px;background:#FFF}
figure img.hard{image-rendering:pixelated}
figcaption{padding-top:4px}
figcaption b{color:var(--ink);font-weight:600}
.bar{display:flex;align-items:center;gap:6px;white-space:nowrap;font-variant-numeric:tabular-nums}
.segment .bar{font-size:11px;gap:4px}
.bar img{flex:1 1 auto;min-width:12px;width:40px;max-width:160px;height:8px;border-radius:2px}
.left-out{border:1px dashed var(--line);border-radius:4px;padding:10px;color:var(--muted);font-size:13px}
.pair{display:grid;grid-template-columns:minmax(0,300px) minmax(0,1fr);gap:24px;align-items:start}
.many{display:grid;grid-template-columns:repeat(auto-fill,minmax(170px,1fr));gap:16px}
.wide figure{max-width:760px}
.wide figure img.shown{background:#FFF}
.segment{display:grid;grid-template-columns:minmax(0,1fr) 150px;gap:20px;padding:10px 0;border-top:1px solid var(--line)}
.segment h4{font-size:15px;margin:0 0 4px}
.swatch{display:inline-block;width:11px;height:11px;margin-right:7px;border-radius:2px}
math{font-size:17px}
.formula{margin:4px 0 6px;overflow-x:auto;overflow-y:hidden;padding-bottom:3px}
.p-contribution{color:var(--p-contribution)}.p-activation{color:var(--p-activation)}.p-weight{color:var(--p-weight)}
.p-suppression{color:var(--p-suppression)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums;margin-bottom:8px;
overflow-wrap:break-word}
caption{text-align:left;padding-bottom:4px}
th,td{padding:4px 10px 4px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{font-weight:600;vertical-align:bottom}
tbody th{font-weight:400}
.number{text-align:right;white-space:nowrap}
td svg{display:block;width:100%;min-width:60px;height:10px;margin-top:6px}
.marked th,.marked td{background:var(--soft)}
.pictures td,.pictures th{min-width:84px}
svg.chart{display:block;width:100%;height:auto;margin-bottom:8px}
svg text{fill:var(--muted);font-size:10px;font-family:inherit}
.plus{fill:var(--plus)}.minus{fill:var(--minus)}.fill{fill:var(--accent)}
.total{fill:none;stroke:var(--ink);stroke-width:1.6}
.grid{stroke:var(--line)}
dl{display:grid;grid-template-columns:minmax(130px,220px) minmax(0,1fr);gap:4px 18px;margin:0 0 10px}
dt{color:var(--muted)}
dd{margin:0}
.link{font-size:12px}
.code{display:block;break-inside:avoid;width:34mm;height:auto}.code.fine{width:62mm}
@media screen and (max-width:640px){.pair{grid-template-columns:minmax(0,1fr)}.segment{grid-template-columns:minmax(0,1fr)}
.segment figure{max-width:220px}dl{grid-template-columns:minmax(0,1fr)}dd{margin-bottom:6px}}
@page{size:A4;margin:15mm 14mm}
@media print{body{font-size:10.5pt;background:none}main{max-width:none;padding:0}
h1{font-size:17pt}h2{font-size:13pt;margin:16pt 0 6pt;padding-top:6pt}h3,h4,.segment h4{font-size:10.5pt}
h1,h2,h3,h4,caption{break-after:avoid}
figure,tr,.segment,svg,dt,.keep{break-inside:avoid}
thead{display:table-header-group}
p{orphans:3;widows:3}
.scroll,.formula{overflow:visible}
.pair{grid-template-columns:62mm minmax(0,1fr);gap:7mm}
.many{grid-template-columns:repeat(4,minmax(0,1fr));gap:4mm}
.segment{grid-template-columns:minmax(0,1fr) 34mm}
table{font-size:8.5pt}th,td{padding:2.2pt 5pt 2.2pt 0}
.pictures td,.pictures th{min-width:0;font-size:7.5pt}
.quiet,figcaption,caption{font-size:8.5pt}.segment .bar{font-size:7pt}math{font-size:11.5pt}
a{color:inherit}.swatch,.marked th,.marked td{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
