// The colour and the letters of a service. Services are told apart by both, so that nobody has to see colours.

/** How many hues the style sheet has: `[data-hue="0"]` to `[data-hue="9"]`. */
export const HUES = 10;

/** What services look like that are shown together, by the list of their names. */
const known = new WeakMap();

/**
 * `{hue, letters}` of a service. Both follow from its name alone, so they are the same at every visit. `among` are the names of the services
 * beside which it is shown: of two with the same hue or letters, one gets the next that is free, whatever the order of the names.
 */
export function lookOf(name, among) {
  if (!among?.length) return { hue: hueOf(name), letters: lettersOf(name) };
  let looks = known.get(among);
  if (!looks) known.set(among, looks = looksOf(among));
  return looks.get(name) ?? lookOf(name);
}

function looksOf(names) {
  const all = [...new Set(names)].sort();
  const [hues, letters] = [apart(all, huesOf), apart(all, pairsOf)];
  return new Map(all.map((name) => [name, { hue: hues.get(name), letters: letters.get(name) }]));
}

/** One of its choices for each name. Whoever has the first choice alone keeps it; then the others get what is left, as long as there is any. */
function apart(names, choicesOf) {
  const given = new Map();
  const taken = new Set();
  const give = (name, choice) => { given.set(name, choice); taken.add(choice); };
  for (const name of names) {
    const [first] = choicesOf(name);
    if (!taken.has(first)) give(name, first);
  }
  for (const name of names) {
    if (given.has(name)) continue;
    const choices = choicesOf(name);
    give(name, choices.find((choice) => !taken.has(choice)) ?? choices[0]);
  }
  return given;
}

function hueOf(name) {
  return hash(name) % HUES;
}

/** Every hue, in the order in which a name would have them. */
function huesOf(name) {
  return Array.from({ length: HUES }, (_, step) => (hueOf(name) + step) % HUES);
}

/** Two letters for a service: the first of its first two words, or of its name. */
function lettersOf(name) {
  const words = wordsOf(name);
  return words.length > 1 ? words[0][0] + words[1][0] : (words[0] ?? ['?']).slice(0, 2).join('');
}

/** Every pair of letters that could stand for a name, the best first. */
function pairsOf(name) {
  const all = wordsOf(name).flat();
  return [lettersOf(name), ...all.slice(1).map((letter) => all[0] + letter)];
}

/** The words of a name, each as its letters. */
function wordsOf(name) {
  const words = String(name).toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  return words.map((word) => [...word]);
}

function hash(text) {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}
