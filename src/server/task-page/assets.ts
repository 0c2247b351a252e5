/** The style of the page; colours pass WCAG AA in light and dark. */
export const STYLE = `
:root { color-scheme: light dark; --back: #fff; --fore: #1d2430; --quiet: #566070; --line: #d5dae2; --card: #f6f7f9;
  --good: #14703a; --bad: #b3261e; --busy: #0b57b0; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14171c; --fore: #e6e9ee; --quiet: #a3adbb; --line: #353c47; --card: #1d2229;
    --good: #6fd08f; --bad: #ff9a92; --busy: #8ab8ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 72rem; background: var(--back); color: var(--fore);
  font: 1rem/1.5 system-ui, sans-serif; }
a { color: var(--busy); }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: baseline; justify-content: space-between; }
form.filters { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: 1rem 0; } form.filters p { margin: 0; }
label { display: block; font-size: .875rem; color: var(--quiet); }
input, select, button, a.button { display: inline-block; font: inherit; line-height: 1.5rem; padding: .35rem .6rem;
  border: 1px solid var(--quiet); border-radius: .35rem; background: var(--back); color: var(--fore); max-width: 100%; }
select { height: calc(2.2rem + 2px); } a.button { text-decoration: none; }
button { cursor: pointer; } .danger, a.danger { color: var(--bad); border-color: var(--bad); }
:focus-visible { outline: 3px solid var(--busy); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-size: .875rem; color: var(--quiet); font-weight: 600; }
h1, p, td, dd, li { overflow-wrap: anywhere; }
td:not(.long) { white-space: nowrap; } td.long { min-width: 8rem; }
.state { font-weight: 600; white-space: nowrap; }
.completed { color: var(--good); } .failed { color: var(--bad); } .running, .asking { color: var(--busy); }
.quiet { color: var(--quiet); } .problem { color: var(--bad); font-weight: 600; }
progress { width: 8rem; max-width: 100%; accent-color: var(--busy); }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
.choices { display: flex; flex-wrap: wrap; gap: .75rem; }
figure { flex: 1 1 18rem; margin: 0; padding: .75rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
figcaption { font-size: .875rem; color: var(--quiet); }
svg { display: block; width: 100%; height: 5rem; }
.ends { display: flex; justify-content: space-between; flex-wrap: wrap; margin: 0 0 .25rem; font-size: .8rem; color: var(--quiet); }
.bar { fill: var(--busy); } .bar-good { fill: var(--good); } .bar-bad { fill: var(--bad); } .axis { stroke: var(--line); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; } dt { color: var(--quiet); } dd { margin: 0; }
ol.life { list-style: none; margin: 0 0 0 .35rem; padding: 0 0 0 1rem; border-left: 3px solid var(--line); }
ol.life li { padding: .25rem 0; position: relative; }
ol.life li::before { content: ""; position: absolute; left: -1.4rem; top: .75rem; width: .6rem; height: .6rem; border-radius: 50%;
  background: var(--busy); } ol.life time { color: var(--quiet); }
pre { overflow: auto; max-height: 24rem; padding: .75rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, td { display: block; } td:empty { display: none; }
  tr { display: flex; flex-wrap: wrap; gap: .1rem 1rem; border-bottom: 2px solid var(--line); padding: .5rem 0; }
  td { border: 0; padding: .1rem 0; } td.long, td:first-child { flex-basis: 100%; white-space: normal; } td::before { content: attr(data-label) ": "; color: var(--quiet); }
  dl { grid-template-columns: 1fr; } dt { margin-top: .4rem; } }
`;

/**
 * Fetches the page again every two seconds while it is seen, and replaces the parts that differ and nobody is using. Says so
 * when what is shown is old; where the page is no longer to be had, loads what there is instead.
 */
export const SCRIPT = `
'use strict';
const stale = document.getElementById('stale');
let busy = false;
function isInUse(part) {
  const selection = getSelection();
  return part.contains(document.activeElement) || (!selection.isCollapsed && part.contains(selection.anchorNode));
}
async function refresh() {
  if (busy || document.hidden) return;
  busy = true;
  try {
    const answer = await fetch(location.href, { redirect: 'error', signal: AbortSignal.timeout(10000) });
    if (answer.status === 401 || answer.status === 404) return location.reload();
    if (!answer.ok) throw new Error(answer.status);
    const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const part of document.querySelectorAll('[data-live]')) {
      const other = next.getElementById(part.id);
      if (!other || isInUse(part) || other.isEqualNode(part)) continue;
      part.replaceWith(document.importNode(other, true));
    }
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  } finally {
    busy = false;
  }
}
if (document.querySelector('[data-live]')) setInterval(refresh, 2000);
`;
