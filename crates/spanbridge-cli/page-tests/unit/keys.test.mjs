import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nameOf } from '../../page/lib/keys.js';

const pressed = (key, more = {}, state = '') => nameOf({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, getModifierState: (name) => name === state, ...more });

test('a bracket is a bracket, however it is typed', () => {
  assert.equal(pressed('['), '[');
  // AltGr and 8 on a German keyboard, with Windows and with Linux; Option and 5 on a Mac.
  assert.equal(pressed('[', { ctrlKey: true, altKey: true }, 'AltGraph'), '[');
  assert.equal(pressed('[', {}, 'AltGraph'), '[');
  assert.equal(pressed('[', { altKey: true }), '[');
});

test('keys with Ctrl, Command or Alt are others', () => {
  assert.equal(pressed('k', { ctrlKey: true }), 'Mod+k');
  assert.equal(pressed('[', { metaKey: true }), 'Mod+[');
  assert.equal(pressed('d', { altKey: true }), 'Alt+d');
  assert.equal(pressed('1', { altKey: true }), 'Alt+1');
  assert.equal(pressed('ArrowLeft', { altKey: true }), 'Alt+ArrowLeft');
  assert.equal(pressed(' '), 'Space');
  assert.equal(pressed('E', { shiftKey: true }), 'E');
  assert.equal(pressed('Tab', { shiftKey: true }), 'Shift+Tab');
});
