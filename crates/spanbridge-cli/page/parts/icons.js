// Drawings that stand beside words.
import { html } from '../lib/html.js';

/** A lens, for what searches. */
export const LENS = html`<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.800" stroke-linecap="round" aria-hidden="true">
  <circle cx="7" cy="7" r="4.500"/><path d="M10.500 10.500L14 14"/></svg>`;

/** The mark of spanbridge: a bridge. */
export const LOGO = html`<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="var(--accent-soft)"/>
  <path d="M4 22h24M9 22v-6M23 22v-6M16 22v-9" stroke="var(--text-3)" stroke-width="2" stroke-linecap="round" fill="none"/>
  <path d="M4 20.500C8 8 24 8 28 20.500" stroke="var(--accent)" stroke-width="2.600" stroke-linecap="round" fill="none"/></svg>`;
