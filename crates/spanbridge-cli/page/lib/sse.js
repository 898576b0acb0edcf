// The lines of an event stream, as the HTML standard says them ("9.2.6 Interpreting an event stream").

/** Reads text in any pieces. Calls `event({id, type, data})` for each event, and remembers the last id. */
export class EventReader {
  constructor(event) {
    this.event = event;
    this.rest = '';
    this.lastId = '';
    this.clear();
  }

  clear() {
    this.type = '';
    this.data = [];
  }

  push(text) {
    // A carriage return at the end may be the first half of a line break.
    const all = this.rest + text;
    const whole = all.endsWith('\r') ? all.slice(0, -1) : all;
    const lines = whole.split(/\r\n|\r|\n/);
    this.rest = lines.pop() + all.slice(whole.length);
    lines.forEach((line) => this.line(line));
  }

  line(line) {
    if (line === '') {
      if (this.data.length > 0 || this.type !== '') {
        this.event({ id: this.lastId, type: this.type || 'message', data: this.data.join('\n') });
      }
      this.clear();
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.type = value;
    else if (field === 'data') this.data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.lastId = value;
  }
}
