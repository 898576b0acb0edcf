// Where a view was scrolled to, remembered for Back.
import { useEffect, useLayoutEffect, useRef } from './html.js';
import { recall, remember } from './router.js';

/** A reference for the scrolling element. `ready` says when there is something to scroll. */
export function useScroll(placeKey, ready) {
  const element = useRef(null);
  const restored = useRef(false);
  useLayoutEffect(() => {
    if (!ready || restored.current || !element.current) return;
    restored.current = true;
    element.current.scrollTop = recall(placeKey)?.light?.top ?? 0;
  }, [ready]);
  useEffect(() => {
    const target = element.current;
    if (!target) return undefined;
    const note = () => {
      const memory = recall(placeKey);
      remember({ ...memory, light: { ...memory?.light, top: target.scrollTop } }, placeKey);
    };
    target.addEventListener('scroll', note, { passive: true });
    return () => target.removeEventListener('scroll', note);
  }, [ready]);
  return element;
}
