// An element that is drawn again only if what it is given has changed.
import { Component, h } from '../vendor/preact.js';

/** The component, skipped while all its properties are the same objects and values. */
export function memo(of) {
  return class extends Component {
    shouldComponentUpdate(next) {
      const keys = Object.keys(next);
      return keys.length !== Object.keys(this.props).length || keys.some((key) => !Object.is(next[key], this.props[key]));
    }

    render(props) {
      return h(of, props);
    }
  };
}
