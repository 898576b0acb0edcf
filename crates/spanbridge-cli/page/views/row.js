// A row of a database: who gave each column its value, and every recorded change.
import { html, useEffect } from '../lib/html.js';
import { useAnswer } from '../lib/answer.js';
import { useItems } from '../lib/items.js';
import { useScroll } from '../lib/scroll.js';
import { bind } from '../lib/keys.js';
import { copyLink } from '../lib/copy.js';
import { backTo, setParams } from '../lib/router.js';
import { columnsOf, keyText, rowName, rowValue } from '../lib/rowtext.js';
import { visible } from '../lib/text.js';
import { exact } from '../lib/time.js';
import { Attributes } from '../parts/attributes.js';
import { Failure, Waiting } from '../parts/failure.js';
import { CopyMenu } from '../parts/menu.js';
import { Writer } from '../parts/rows.js';
import { Text } from '../parts/text.js';

export default function Row({ place }) {
  const asked = (name) => place.params.get(name) ?? '';
  const row = ['table', 'key', 'database'].filter((name) => asked(name)).map((name) => [name, asked(name)]);
  const column = asked('column');
  const history = useAnswer('/api/v1/state/history', column ? [...row, ['column', column]] : row, place.key);
  const blame = useAnswer('/api/v1/state/blame', row, place.key);
  const scroller = useScroll(place.key, history.value !== null);
  useItems('Changes', scroller);
  useEffect(() => { document.title = `${visible(asked('table')).slice(0, 60)} ${visible(asked('key')).slice(0, 60)} · spanbridge`; }, [place.key]);
  useEffect(() => bind('Row', [
    { keys: ['y'], label: 'Copy a link to this', run: () => copyLink() },
    { keys: ['Escape'], label: 'Back to the list', run: () => backTo('/') },
  ]), []);
  const again = () => { history.again(); blame.again(); };
  const error = history.error ?? blame.error;
  if (error && !(history.value && blame.value)) return html`<div class="blank"><${Failure} error=${error} retry=${again} /></div>`;
  if (!history.value || !blame.value) return html`<${Waiting}>Reading the history of the row …<//>`;
  const key = history.value.rows[0] ? keyText(history.value.rows[0].key) : asked('key');
  return html`<div class="scroll" ref=${scroller}><div class="page">
    <div class="verdict"><h1><${Text} of=${asked('table')} max=${120} /> <${Text} of=${key} max=${200} /></h1><span class="grow"></span>
      ${column && html`<button class="button" onClick=${() => setParams({ column: null })}>All columns, not only <${Text} of=${column} max=${60} /></button>`}
      <${CopyMenu} text=${() => rowText(history.value)} json=${history.value} command=${command(asked, history.value)} /></div>
    ${history.value.rows.map((one) => html`<${OneRow} key=${`${one.database}/${one.table}`} row=${one} blame=${blame.value.rows.find((other) => other.database === one.database && other.table === one.table)} column=${column} />`)}
    ${history.value.knownSince && html`<p class="note" data-tone="warn"><span class="sign" aria-hidden="true">!</span><span>Known since ${exact(history.value.knownSince)}: of earlier changes some are missing.</span></p>`}
    ${(history.value.diagnostics ?? []).map((note, at) => html`<p class="note" data-tone="warn" key=${at}><span class="sign" aria-hidden="true">!</span><span><${Text} of=${note.message} /></span></p>`)}
  </div></div>`;
}

function OneRow({ row, blame, column }) {
  return html`<section class="card"><h3><${Text} of=${rowName(row)} max=${200} /> <span class="faint">in <${Text} of=${row.database} max=${80} /></span></h3>
    ${blame?.removedBy && html`<p data-tone="warn" class="toned">${blame.removedBy.mutation.op === 'truncate' ? 'Removed with all rows' : 'Deleted'} by <${Writer} change=${blame.removedBy} /></p>`}
    ${blame && blame.columns.length > 0 && html`<div class="wide-table"><table class="row-blame"><thead><tr><th>Column</th><th>Value</th><th>Written by</th></tr></thead><tbody>
      ${blame.columns.map((one) => html`<tr key=${one.column} data-column=${one.column}><td><button class="plain" title="Only its changes" aria-pressed=${one.column === column} onClick=${() => setParams({ column: one.column === column ? null : one.column })}><${Text} of=${one.column} max=${80} /></button></td>
        <td>${one.value === undefined ? html`<span class="faint">(not captured)</span>` : html`<code><${Text} of=${rowValue(one.value)} max=${400} /></code>`}</td>
        <td>${one.change ? html`<${Writer} change=${one.change} />` : html`<span class="toned" data-tone="warn">not recorded</span>`}</td></tr>`)}</tbody></table></div>`}
    <h4>Changes</h4><ol class="row-history">${row.changes.map((change) => html`<li key=${change.mutation.mutationId} data-item data-op=${change.mutation.op}>
      <div class="line"><${CommittedAt} time=${change.mutation.committedAt} /> <b>${change.mutation.op}</b> <${Writer} change=${change} /></div>
      ${change.mutation.op === 'truncate' ? html`<p>All rows of the table were removed</p>` : html`<${Attributes} of=${columnsOf(change)} />`}
      ${(change.unexplained ?? []).map((name) => html`<p class="note" data-tone="warn" key=${name}><span class="sign" aria-hidden="true">!</span><span>Before it, <${Text} of=${name} max=${80} /> was not what was recorded last: a change is missing, or clocks differ</span></p>`)}
      ${change.concurrent && html`<p class="note" data-tone="warn"><span class="sign" aria-hidden="true">!</span><span>Nothing says whether it or the one beside it was first</span></p>`}</li>`)}
      ${row.changes.length === 0 && html`<li class="faint">No change of this column</li>`}</ol></section>`;
}

function CommittedAt({ time }) {
  if (time === undefined) return html`<span class="faint">time not known</span>`;
  return html`<time class="faint" dateTime=${time} title=${exact(time)}>${time.slice(0, 10)} ${time.slice(11, 23)} UTC</time>`;
}

/** The history as plain text, for copying. */
function rowText(answer) {
  return answer.rows.map((row) => [`${visible(rowName(row))}  in ${visible(row.database)}`, ...row.changes.map((change) => {
    const columns = columnsOf(change).map(([name, words]) => `${visible(name)} ${visible(words)}`).join(', ');
    return `${change.mutation.committedAt ?? 'time not known'}  ${change.mutation.op}  ${columns}`;
  })].join('\n')).join('\n\n');
}

/** The command that answers the same, with its words quoted for a shell. */
function command(asked, { rows: [row] }) {
  const quoted = (text) => (/^[\w.=,:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const key = row && !/[,{]/.test(Object.values(row.key).join('')) ? keyText(row.key) : asked('key');
  return ['spanbridge state history', quoted(asked('table')), quoted(key), ...(asked('database') ? ['--database', quoted(asked('database'))] : [])].join(' ');
}
