// The question for the token, if the server wants one.
import { html, useEffect, useRef, useState } from '../lib/html.js';
import { bind } from '../lib/keys.js';
import { enterToken, onTokenWanted, whyWanted } from '../lib/api.js';

const REASONS = {
  wrong: ['bad', '✗', 'That was not the right token.'],
  changed: ['warn', '!', 'The token that worked until now is no longer accepted: the server was started with another one.'],
};

/** A dialog while requests wait for a token. */
export function Login() {
  const [wanted, setWanted] = useState(false);
  const [reason, setReason] = useState('first');
  const dialog = useRef(null);
  useEffect(() => onTokenWanted((now) => {
    if (now) setReason(whyWanted());
    setWanted(now);
  }), []);
  useEffect(() => {
    if (!wanted) return undefined;
    dialog.current.showModal();
    return bind('Token', [], { modal: true });
  }, [wanted]);
  if (!wanted) return null;
  const submit = (event) => {
    event.preventDefault();
    const token = new FormData(event.target).get('token');
    if (token.trim()) enterToken(token);
  };
  const [tone, sign, words] = REASONS[reason] ?? [];
  return html`<dialog ref=${dialog} onCancel=${(event) => event.preventDefault()} aria-labelledby="login-title">
    <form class="body login" onSubmit=${submit}>
      <h2 id="login-title">This server wants a token</h2>
      <p class="dim">It is the text in <code>SPANBRIDGE_TOKEN</code>, or in the file after <code>--token-file</code>, where <code>spanbridge serve</code> runs. It is kept until you close this tab.</p>
      ${words && html`<p class="note" data-tone=${tone} role="alert"><span class="sign" aria-hidden="true">${sign}</span> ${words}</p>`}
      <input class="field" name="token" type="password" aria-label="Token" autocomplete="current-password" autofocus spellcheck=${false} />
      <button class="button main">Continue</button>
    </form>
  </dialog>`;
}
