/** highlight.js, made to give a tree in place of HTML. */
import type { Emitter, LanguageFn } from 'highlight.js';
import hljs from 'highlight.js/lib/core';
import type { CodeNode } from './code-nodes.ts';

/** Longer code stays plain: grammars are not linear in the worst case. Characters. */
const LONGEST = 60_000;

interface Branch {
  scope: string;
  children: CodeNode[];
}

/**
 * Collects what the grammar says; highlight.js would make HTML of it. Its core (11.12.0) calls `openNode` and `closeNode` as
 * well, which its types leave out.
 */
class TreeEmitter implements Emitter {
  readonly root: Branch = { scope: '', children: [] };
  readonly #open: Branch[] = [this.root];

  startScope(name: string): void {
    const branch: Branch = { scope: name.split('.', 1)[0] ?? '', children: [] };
    this.#top.children.push(branch);
    this.#open.push(branch);
  }

  endScope(): void {
    if (this.#open.length > 1) this.#open.pop();
  }

  openNode(name: string): void {
    this.startScope(name);
  }

  closeNode(): void {
    this.endScope();
  }

  addText(text: string): void {
    if (text === '') return;
    const { children } = this.#top;
    const last = children.at(-1);
    if (typeof last === 'string') children[children.length - 1] = last + text;
    else children.push(text);
  }

  __addSublanguage(emitter: Emitter): void {
    if (emitter instanceof TreeEmitter) this.#top.children.push(...emitter.root.children);
  }

  finalize(): void {
    this.#open.length = 1;
  }

  toHTML(): string {
    return '';
  }

  get #top(): Branch {
    return this.#open.at(-1) ?? this.root;
  }
}

/** A highlighter of its own, with no languages yet. */
export class Highlighter {
  readonly #hljs = hljs.newInstance();

  constructor() {
    this.#hljs.configure({ __emitter: TreeEmitter });
  }

  has(grammar: string): boolean {
    return this.#hljs.getLanguage(grammar) !== undefined;
  }

  add(grammar: string, definition: LanguageFn): void {
    if (!this.has(grammar)) this.#hljs.registerLanguage(grammar, definition);
  }

  /** The code as a tree; null: the grammar is not here, or the code is too long. */
  highlight(code: string, grammar: string): readonly CodeNode[] | null {
    if (code.length > LONGEST || !this.has(grammar)) return null;
    const { _emitter, errorRaised } = this.#hljs.highlight(code, { language: grammar, ignoreIllegals: true });
    // A grammar that broke off has told only half of the code.
    return _emitter instanceof TreeEmitter && errorRaised === undefined ? _emitter.root.children : null;
  }
}
