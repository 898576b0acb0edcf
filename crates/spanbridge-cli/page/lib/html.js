// The view layer: Preact's elements in tagged templates. Text in a template becomes a text node, never markup.
import { h } from '../vendor/preact.js';
import htm from '../vendor/htm.js';

export const html = htm.bind(h);
export { h, render, Component, Fragment, createContext } from '../vendor/preact.js';
export {
  useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback, useReducer, useContext, useId,
} from '../vendor/hooks.js';
