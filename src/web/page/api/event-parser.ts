/** Server-sent events from text as it arrives: the parsing rules of the HTML standard, section 9.2.6. */

export interface ServerEvent {
  /** The last id seen on the stream; null before the first. */
  id: string | null;
  event: string;
  data: string;
}

export class EventParser {
  /** What the server told us to wait before coming back, in milliseconds; null: it did not say. */
  retryMs: number | null = null;
  #rest = '';
  #started = false;
  #lastId: string | null = null;
  #event = '';
  #data: string[] = [];

  /** The events that `chunk` completes. A chunk may end anywhere, even between CR and LF. */
  push(chunk: string): ServerEvent[] {
    let text = this.#rest + chunk;
    if (!this.#started && text !== '') {
      this.#started = true;
      if (text.startsWith('\uFEFF')) text = text.slice(1);
    }
    // A CR at the very end may be the first half of CRLF: it waits for the next chunk.
    const whole = text.endsWith('\r') ? text.length - 1 : text.length;
    const end = Math.max(text.lastIndexOf('\n', whole - 1), text.lastIndexOf('\r', whole - 1)) + 1;
    this.#rest = text.slice(end);
    if (end === 0) return [];
    const events: ServerEvent[] = [];
    const lines = text.slice(0, end).split(/\r\n|\n|\r/);
    lines.pop();
    for (const line of lines) {
      const event = this.#line(line);
      if (event !== null) events.push(event);
    }
    return events;
  }

  #line(line: string): ServerEvent | null {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#lastId = value;
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) this.retryMs = Number(value);
    return null;
  }

  #dispatch(): ServerEvent | null {
    const data = this.#data;
    const event = this.#event === '' ? 'message' : this.#event;
    this.#data = [];
    this.#event = '';
    return data.length === 0 ? null : { id: this.#lastId, event, data: data.join('\n') };
  }
}
