// The find box: any id as people paste it goes to what it names.
import { html, useEffect, useRef, useState } from '../lib/html.js';
import { get } from '../lib/api.js';
import { navigate, onChange } from '../lib/router.js';
import { LENS } from './icons.js';
import { Id } from './marks.js';
import { Name, Text } from './text.js';

/** Where something is that was found. */
export function placeOf({ kind, id, runId, runIds }) {
  const run = runId ?? runIds?.[0] ?? id;
  return kind === 'span' ? `/runs/${run}?span=${id}` : `/runs/${run}`;
}

export function Find() {
  const [answer, setAnswer] = useState(null);
  const [chosen, setChosen] = useState(0);
  const box = useRef(null);
  const asked = useRef(null);
  const close = () => {
    asked.current?.abort();
    setAnswer(null);
  };
  // Whoever goes elsewhere does not want to be taken away from there by a late answer.
  useEffect(() => {
    const end = onChange(close);
    return () => {
      end();
      asked.current?.abort();
    };
  }, []);
  const go = (to) => {
    close();
    box.current.value = '';
    box.current.blur();
    navigate(to);
  };
  const find = async () => {
    const text = box.current.value.trim();
    if (!text) return;
    asked.current?.abort();
    const own = new AbortController();
    asked.current = own;
    setAnswer({ words: 'Looking …' });
    setChosen(0);
    try {
      const found = await get(`/api/v1/find/${encodeURIComponent(text)}`, { signal: own.signal });
      if (found.runIds.length <= 1 || found.kind !== 'trace') return go(placeOf(found));
      setAnswer({ words: `${found.runIds.length} runs belong to this trace`, list: found.runIds.map((id) => ({ id, kind: 'run', name: '' })) });
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (error.status === 409) setAnswer({ words: 'Several things begin so. Which one?', list: error.candidates });
      else setAnswer({ words: error.message });
    }
  };
  const list = answer?.list ?? [];
  const onKeyDown = (event) => {
    if (event.key === 'Escape') {
      if (answer) close();
      else box.current.blur();
    } else if (event.key === 'Enter') {
      if (list[chosen]) go(placeOf(list[chosen]));
      else find();
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && list.length > 0) {
      setChosen((at) => (at + (event.key === 'ArrowDown' ? 1 : list.length - 1)) % list.length);
    } else return;
    event.preventDefault();
  };
  return html`<div class="find" role="search">
    <input id="find" class="field" ref=${box} onKeyDown=${onKeyDown} onInput=${close} onPaste=${() => setTimeout(find)}
      placeholder="Find a run, trace or span by id" aria-label="Find by any id"
          aria-expanded=${answer !== null} autocomplete="off" spellcheck=${false} enterkeyhint="search" />
    ${LENS}<kbd>${/Mac|iP/.test(navigator.platform) ? '⌘K' : 'Ctrl K'}</kbd>
    ${answer && html`<div class="answer" role="listbox" onMouseDown=${(event) => event.preventDefault()}>
      <p class="dim" role="status"><${Text} of=${answer.words} max=${400} /></p>
      ${list.map((one, at) => html`<a key=${one.kind + one.id} role="option" aria-selected=${at === chosen} class=${at === chosen ? 'chosen' : ''}
          href=${placeOf(one)} onClick=${close}>
        <span class="faint">${one.kind}</span><span class="clip">${one.name ? html`<${Name}
            of=${one.name} />` : html`<code>${one.id}</code>`}</span><${Id} id=${one.id} /></a>`)}
    </div>`}
  </div>`;
}
