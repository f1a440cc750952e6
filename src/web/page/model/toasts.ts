/** Short notices at the edge: what was done, with a way back, or what did not work. */
import { Observable } from './observable.ts';

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: 'info' | 'error';
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

interface Entry {
  toast: Toast;
  timer: ReturnType<typeof setTimeout> | undefined;
  onGone: () => void;
}

/** Milliseconds a notice stays. */
export const TOAST_MS = 6_000;

export class Toasts extends Observable {
  readonly #entries = new Map<number, Entry>();
  #next = 1;
  #dialogs = 0;

  /** A dialog is open: notices are shown there. */
  get inDialog(): boolean {
    return this.#dialogs > 0;
  }

  /** @returns what says that the dialog is closed */
  enterDialog(): () => void {
    const step = (by: number) => {
      this.#dialogs += by;
      this.changed();
    };
    step(1);
    return () => step(-1);
  }

  get items(): readonly Toast[] {
    return [...this.#entries.values()].map(({ toast }) => toast);
  }

  /** @param onGone called once when it goes by itself, not when its action was chosen. @returns what takes it away */
  show(
    text: string,
    options: { kind?: Toast['kind']; action?: Toast['action']; onGone?: () => void } = {},
  ): () => void {
    const id = this.#next++;
    const toast: Toast = { id, text, kind: options.kind ?? 'info', action: options.action ?? null };
    this.#entries.set(id, { toast, timer: undefined, onGone: options.onGone ?? (() => undefined) });
    this.resume(id);
    this.changed();
    return () => this.#remove(id);
  }

  act(id: number): void {
    const action = this.#entries.get(id)?.toast.action;
    this.#remove(id);
    action?.run();
  }

  dismiss(id: number): void {
    const entry = this.#entries.get(id);
    this.#remove(id);
    entry?.onGone();
  }

  /** While somebody reads it or is about to press its button, it stays. */
  hold(id: number): void {
    clearTimeout(this.#entries.get(id)?.timer);
  }

  resume(id: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => this.dismiss(id), TOAST_MS);
  }

  #remove(id: number): void {
    clearTimeout(this.#entries.get(id)?.timer);
    if (this.#entries.delete(id)) this.changed();
  }
}
