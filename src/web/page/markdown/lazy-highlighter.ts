/** Highlighting, fetched when the first code of a language is shown: grammars are most of its weight. */
import { Observable } from '../model/observable.ts';
import type { CodeNode } from './code-nodes.ts';
import { grammarName, loadGrammar } from './grammars.ts';
import type { Highlighter } from './highlighter.ts';

export class LazyHighlighter extends Observable {
  #highlighter: Highlighter | null = null;
  readonly #asked = new Set<string>();

  /** Gets what `language` needs, unless it is here or on its way. */
  want(language: string): void {
    const grammar = grammarName(language);
    if (grammar === null || this.#asked.has(grammar)) return;
    this.#asked.add(grammar);
    this.#load(grammar).catch(() => this.#asked.delete(grammar)); // Plain code is fine code; the next block tries again.
  }

  /** Whether {@link highlight} has an answer for it. */
  has(language: string): boolean {
    const grammar = grammarName(language);
    return grammar !== null && this.#highlighter?.has(grammar) === true;
  }

  /** The code as a tree; null: it stays plain, at least for now. */
  highlight(code: string, language: string): readonly CodeNode[] | null {
    return this.#highlighter?.highlight(code, grammarName(language) ?? '') ?? null;
  }

  async #load(grammar: string): Promise<void> {
    const [{ Highlighter: Made }, definitions] = await Promise.all([import('./highlighter.ts'), loadGrammar(grammar)]);
    this.#highlighter ??= new Made();
    for (const [name, definition] of definitions) this.#highlighter.add(name, definition);
    this.changed();
  }
}
