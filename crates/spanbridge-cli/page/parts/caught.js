// A mistake of the page itself: said where the view would be.
import { Component, html } from '../lib/html.js';

/** What cannot be drawn says so. What is around it stays, and `at` another place it is tried again. */
export class Caught extends Component {
  componentDidCatch(error) {
    console.error(error);
    this.setState({ error, at: this.props.at });
  }

  render({ children, at }, { error, at: failedAt }) {
    if (!error || failedAt !== at) return children;
    return html`<div class="blank" role="alert"><p class="big">This view cannot be drawn</p><p>${`This is a mistake of the page: ${error.message || error}`}</p>
      <button class="button" onClick=${() => location.reload()}>Load the page again</button></div>`;
  }
}
