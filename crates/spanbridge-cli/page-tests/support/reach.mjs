// Whether the keyboard reaches everything that a pointer does.

/**
 * Presses Tab until the focus has been everywhere, and returns what it never reached, what has no name, and what shows no sign of
 * the focus, as sentences. Inside a list, grid, tree, menu or tab list, one focused element stands for all: arrows lead to the others.
 */
export async function unreachable(page, most = 300) {
  await page.evaluate(() => {
    document.activeElement?.blur();
    globalThis.reached = new Set();
    globalThis.unmarked = new Set();
    globalThis.ends = 0;
  });
  for (let n = 0; n < most; n += 1) {
    await page.keyboard.press('Tab');
    const again = await page.evaluate(() => {
      const at = document.activeElement;
      // From the last one it goes out of the page, and back to the first.
      if (!at || at === document.body) return (globalThis.ends += 1) > 2;
      if (globalThis.reached.has(at)) return true;
      globalThis.reached.add(at);
      const marks = [at, at.parentElement, ...at.children].filter(Boolean).map((one) => getComputedStyle(one));
      const isMarked = marks.some((style) => (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none');
      const active = at.getAttribute('aria-activedescendant');
      if (!isMarked && !active && !at.matches('input,select,textarea,canvas')) globalThis.unmarked.add(at);
      return false;
    });
    if (again) break;
  }
  return page.evaluate(() => {
    const INTERACTIVE = 'a[href],button,input,select,textarea,summary,canvas[tabindex],[role=button],[role=link],[role=tab],[role=option],[role=menuitem],[role=treeitem],[role=checkbox],[role=switch],[role=slider],[onclick]';
    const COMPOSITE = '[role=grid],[role=treegrid],[role=tree],[role=listbox],[role=tablist],[role=menu],[role=toolbar],[role=radiogroup]';
    const say = (element) => `${element.localName}${element.id ? `#${element.id}` : ''}.${[...element.classList].join('.')} ${JSON.stringify(name(element).slice(0, 40))}`;
    const name = (element) => {
      const labelled = element.getAttribute('aria-labelledby')?.split(' ').map((id) => document.getElementById(id)?.textContent).join(' ');
      return (element.getAttribute('aria-label') ?? labelled ?? element.labels?.[0]?.textContent ?? element.innerText ?? element.title ?? '').trim() || element.title || '';
    };
    const sentences = [];
    for (const element of document.querySelectorAll(INTERACTIVE)) {
      if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || element.disabled || element.closest('[inert],[aria-hidden=true]')) continue;
      const box = element.getBoundingClientRect();
      if (box.width < 1 || box.height < 1) continue;
      if (!name(element)) sentences.push(`${say(element)} has no name`);
      if (globalThis.reached.has(element)) continue;
      const group = element.closest(COMPOSITE);
      if (group && [...globalThis.reached].some((one) => group.contains(one) || one.getAttribute('aria-controls') === group.id)) continue;
      sentences.push(`${say(element)} is not reached by Tab`);
    }
    for (const element of globalThis.unmarked) sentences.push(`${say(element)} shows no sign of the focus`);
    return sentences;
  });
}
