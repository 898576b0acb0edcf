// j and k in an answer: from link to link, so that Enter opens what is chosen.
import { useEffect } from './html.js';
import { bind } from './keys.js';

/** Binds the keys that move the focus over the elements marked `data-item`, or the links in them, inside `scroller`. */
export function useItems(title, scroller, more = []) {
  useEffect(() => {
    const links = () => [...(scroller.current?.querySelectorAll('a[href], button, summary') ?? [])].filter((one) => one.closest('[data-item]') && one.offsetParent !== null);
    const move = (by) => () => {
      const all = links();
      if (all.length === 0) return false;
      const at = all.indexOf(document.activeElement);
      const next = at < 0 ? all.find((one) => one.getBoundingClientRect().bottom > scroller.current.getBoundingClientRect().top) : all[at + by];
      next?.focus();
      next?.scrollIntoView({ block: 'nearest' });
      return undefined;
    };
    const scroll = (by) => () => scroller.current?.scrollBy({ top: by * scroller.current.clientHeight * 0.85 });
    return bind(title, [
      { keys: ['j', 'ArrowDown'], label: 'Next step', run: move(1) },
      { keys: ['k', 'ArrowUp'], label: 'Step before', run: move(-1) },
      { keys: ['Enter'], label: 'Open it in its run', run: () => false },
      { keys: ['PageDown', 'Space'], label: 'A page on', run: scroll(1) },
      { keys: ['PageUp'], label: 'A page back', run: scroll(-1) },
      ...more,
    ]);
  }, []);
}
