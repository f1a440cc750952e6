/**
 * Streams Markdown block by block: what is complete is parsed once and never again, only the tail is parsed anew as it grows.
 * An answer of any length therefore costs per frame what its last block costs.
 */
import { Lexer, type Token, type TokensList } from 'marked';

/** A top-level block. */
export interface Block {
  /** Where it begins in the text: its identity. */
  readonly start: number;
  readonly token: Token;
}

export interface SplitText {
  /** Will not change any more; the same objects as the last time. */
  readonly settled: readonly Block[];
  /** Parsed anew with every piece of text. */
  readonly tail: readonly Block[];
}

export class BlockSplitter {
  #text = '';
  #settled: Block[] = [];
  #settledEnd = 0;
  /** Definitions of reference links in what is settled. */
  #links: TokensList['links'] = {};

  /** The blocks of `text`. @param final it will not grow any more */
  split(text: string, final: boolean): SplitText {
    const normal = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
    if (!normal.startsWith(this.#text)) this.#reset();
    this.#text = normal;
    let blocks = this.#parse();
    if (final && this.#definesLinks(blocks)) {
      // A definition at the end is for links everywhere: once, all of it is read again.
      this.#reset();
      this.#text = normal;
      blocks = this.#parse();
    }
    this.#settle(blocks.slice(0, final ? blocks.length : firstOpen(blocks)));
    return { settled: this.#settled, tail: blocks.filter(({ start }) => start >= this.#settledEnd) };
  }

  #parse(): Block[] {
    const text = this.#text.slice(this.#settledEnd);
    const lexer = new Lexer({ gfm: true });
    Object.assign(lexer.tokens.links, this.#links);
    const tokens = [...lexer.lex(text)];
    // marked 18.2.1 drops a repeated definition without a trace: then places cannot be told, and all of it is one block.
    const whole = tokens.reduce((length, { raw }) => length + raw.length, 0) === text.length;
    if (!whole) return tokens.map((token, index) => ({ start: this.#settledEnd + index / (tokens.length + 1), token }));
    let end = this.#settledEnd;
    return tokens.map((token) => {
      const start = end;
      end += token.raw.length;
      return { start, token };
    });
  }

  #settle(blocks: readonly Block[]): void {
    const last = blocks.at(-1);
    if (last === undefined || !Number.isInteger(last.start)) return;
    this.#settled = [...this.#settled, ...blocks];
    this.#settledEnd = last.start + last.token.raw.length;
    for (const { token } of blocks) {
      if (token.type === 'def') this.#links[String(token.tag)] ??= { href: token.href, title: token.title };
    }
  }

  #definesLinks(blocks: readonly Block[]): boolean {
    return this.#settled.length > 0 && blocks.some(({ token }) => token.type === 'def');
  }

  #reset(): void {
    this.#text = '';
    this.#settled = [];
    this.#settledEnd = 0;
    this.#links = {};
  }
}

/**
 * The index of the first block that more text can still change. The last one always can. The one before it can as long as
 * the last has no whole line: "1" after a list is a paragraph until it becomes "1. more".
 */
function firstOpen(blocks: readonly Block[]): number {
  if (blocks.some(({ start }) => !Number.isInteger(start))) return 0;
  const solid = blocks.flatMap(({ token }, index) => (token.type === 'space' ? [] : [index]));
  const last = solid.at(-1);
  if (last === undefined) return 0;
  const lastRaw = blocks[last]?.token.raw ?? '';
  return lastRaw.trimStart().includes('\n') ? last : (solid.at(-2) ?? 0);
}
