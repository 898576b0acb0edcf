// What the list is filtered by: a search box that understands words like `service:billing`, and buttons for what is asked most.
import { html, useEffect, useLayoutEffect, useRef } from '../lib/html.js';
import { queryOf, readSearch, writeSearch } from '../lib/filters.js';
import { setParams } from '../lib/router.js';
import { visible } from '../lib/text.js';
import { LENS } from './icons.js';
import { Text } from './text.js';

const STATUSES = [
  ['', 'All', '', 'off'], ['error', 'Failed', '✗', 'bad'], ['open', 'Open', '◌', 'open'], ['ok', 'Ok', '✓', 'ok'],
  ['suspended', 'Suspended', '‖', 'wait'], ['cancelled', 'Cancelled', '⊘', 'off'], ['conflicted', 'Conflicted', '!', 'bad'],
];
const TIMES = [['', 'Any time'], ['15m', 'Last 15 minutes'], ['1h', 'Last hour'], ['1d', 'Last day'], ['1w', 'Last week']];
const SORTS = [['newest', 'Newest first'], ['oldest', 'Oldest first'], ['longest', 'Longest first'], ['errors', 'Most errors first'], ['spans', 'Most spans first']];
const LABELS = { service: 'service', name: 'name', attribute: 'attribute', error: 'error', since: 'since', until: 'until', minDuration: 'at least', status: 'status' };

/** The filters of the list. */
export function FilterBar({ filters }) {
  const box = useRef(null);
  const timer = useRef(0);
  const sent = useRef(filters.name);
  useLayoutEffect(() => {
    // Back, a chip or a link changed it; what the reader types stays.
    if (filters.name !== sent.current || document.activeElement !== box.current) box.current.value = writeSearch(filters.name);
    sent.current = filters.name;
  }, [filters.name]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const typed = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      // A word with a colon or an equals sign is taken on Enter, when it is whole.
      if (/[:="]/.test(box.current.value)) return;
      sent.current = box.current.value.trim();
      setParams({ name: sent.current }, { replace: true });
    }, 250);
  };
  const taken = () => {
    clearTimeout(timer.current);
    const { found, text } = readSearch(box.current.value);
    const attribute = found.attribute ? [...new Set([...filters.attribute, ...found.attribute])] : filters.attribute;
    sent.current = found.name ?? text;
    box.current.value = writeSearch(sent.current);
    setParams({ name: sent.current, ...found, attribute });
  };
  const onKeyDown = (event) => {
    if (event.key === 'Enter') taken();
    else if (event.key === 'Escape') box.current.blur();
    else if (event.key === 'ArrowDown') document.getElementById('list')?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const chips = queryOf(filters).filter(([key, value]) => key in LABELS && key !== 'name'
    && !(key === 'status' && STATUSES.some(([known]) => known === value)) && !(key === 'since' && TIMES.some(([known]) => known === value)));
  const without = (key, value) => setParams({ [key]: key === 'attribute' ? filters.attribute.filter((one) => one !== value) : null });
  return html`<div class="filters">
    <div class="search" role="search">
      ${LENS}
      <input id="search" class="field" ref=${box} defaultValue=${writeSearch(filters.name)} onInput=${typed} onKeyDown=${onKeyDown} type="text"
        placeholder="Search names, or service:… key=value error:… min:250ms since:2h"
            aria-label="Search runs" autocomplete="off" spellcheck=${false} enterkeyhint="search" />
      <kbd>/</kbd>
    </div>
    <div class="segments" role="group" aria-label="Status">
      ${STATUSES.map(([value, words, sign, tone]) => html`<button key=${value} data-tone=${tone} aria-pressed=${filters.status === value}
          onClick=${() => setParams({ status: value })}>
        ${sign && html`<span class="sign" aria-hidden="true">${sign}</span>`}${words}</button>`)}
    </div>
    <${Choice} label="Began" options=${TIMES} value=${filters.since} onChange=${(since) => setParams({ since })} />
    <${Choice} label="Order" options=${SORTS} value=${filters.sort} onChange=${(sort) => setParams({ sort: sort === 'newest' ? null : sort })} />
    <button class="button" aria-pressed=${filters.children === 'true'}
        title="A run is listed with the runs that it started; this lists each by itself"
            onClick=${() => setParams({ children: filters.children ? null : 'true' })}>Child runs</button>
    ${chips.length > 0 && html`<ul class="chips" aria-label="Filters">${chips.map(([key, value]) => html`<li key=${`${key} ${value}`}>
      <button class="chip" onClick=${() => without(key, value)} title="Remove this filter"><span class="faint">${LABELS[key]}</span> <span
          class="clip"><${Text} of=${value} max=${80} /></span> <span aria-hidden="true">×</span></button></li>`)}
      <li><button class="link" onClick=${() => setParams(Object.fromEntries(Object.keys(LABELS).map((key) => [key, null])))}>Clear all</button></li></ul>`}
  </div>`;
}

function Choice({ label, options, value, onChange }) {
  const known = options.some(([one]) => one === value);
  return html`<select class="field" aria-label=${label} value=${value} onChange=${(event) => onChange(event.target.value)}>
    ${options.map(([one, words]) => html`<option key=${one} value=${one}>${words}</option>`)}
    ${!known && html`<option value=${value}>since ${visible(value)}</option>`}
  </select>`;
}
