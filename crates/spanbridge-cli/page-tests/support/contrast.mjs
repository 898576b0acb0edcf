// Computes the contrast of every text on the page, by WCAG 2.2.

/** Texts whose contrast to their background is below `least`, as sentences. Large text (24 px, or 18.66 px bold) needs 3. */
export function low_contrast(page, least = 4.5) {
  return page.evaluate((least) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    // The canvas understands every notation of colours that the page may use.
    const rgba = (color) => {
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = color;
      context.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
    const luminance = ([r, g, b]) => {
      const [x, y, z] = [r, g, b].map((c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const background = (element) => {
      const layers = [];
      for (let at = element; at; at = at.parentElement) {
        const color = rgba(getComputedStyle(at).backgroundColor);
        layers.push(color);
        if (color[3] === 1) break;
      }
      return layers.reverse().reduce((below, above) => over(above, below), rgba(getComputedStyle(document.documentElement).colorScheme.includes('dark') && matchMedia('(prefers-color-scheme: dark)').matches ? '#121212' : '#fff'));
    };
    const found = new Map();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      const text = node.data.trim();
      if (!text || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || element.closest('[disabled],[aria-disabled=true]')) continue;
      const box = element.getBoundingClientRect();
      if (box.width < 2 || box.height < 2) continue;
      const style = getComputedStyle(element);
      const behind = background(element);
      let opacity = 1;
      for (let at = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
      const [r, g, b, a] = rgba(style.color);
      const front = over([r, g, b, a * opacity], behind);
      const [light, dark] = [luminance(front), luminance(behind)].sort((x, y) => y - x);
      const ratio = (light + 0.05) / (dark + 0.05);
      const size = parseFloat(style.fontSize);
      const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : least;
      if (ratio < needed - 0.01) {
        const where = element.className ? `${element.localName}.${String(element.className).split(" ").join(".")}` : element.localName;
        found.set(`${where} ${style.color}`, `${where}: ${JSON.stringify(text.slice(0, 40))} has ${ratio.toFixed(2)} of ${needed}: ${style.color} on rgb(${behind.slice(0, 3).map(Math.round)})`);
      }
    }
    return [...found.values()];
  }, least);
}
