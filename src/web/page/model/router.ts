/** Where one is: the address bar is the only place that knows. */
import { Observable } from './observable.ts';

export class Router extends Observable {
  constructor() {
    super();
    window.addEventListener('popstate', () => this.changed());
  }

  /** The chat that is open; null: a new one. */
  get chatId(): string | null {
    const id = /^\/c\/([^/]{1,64})$/.exec(location.pathname)?.[1];
    return id === undefined ? null : decodeURIComponent(id);
  }

  /** The message of that chat that the address means; null: none. */
  get messageId(): string | null {
    return /^#([\w-]{1,64})$/.exec(location.hash)?.[1] ?? null;
  }

  /** Leads to a message; again, if one is there already. */
  goTo(chatId: string, messageId: string): void {
    const address = `${Router.path(chatId)}#${messageId}`;
    if (address === location.pathname + location.hash) history.replaceState(null, '', address);
    else history.pushState(null, '', address);
    this.changed();
  }

  /** @param replace without a step back: for a chat that just came to be, or is gone */
  go(chatId: string | null, replace = false): void {
    const path = Router.path(chatId);
    if (path === location.pathname + location.hash) return;
    if (replace) history.replaceState(null, '', path);
    else history.pushState(null, '', path);
    this.changed();
  }

  static path(chatId: string | null): string {
    return chatId === null ? '/' : `/c/${encodeURIComponent(chatId)}`;
  }
}

/** Where sign-in starts; it leads back to where one is. A link, not a form: CSP's `form-action` would follow its redirects. */
export function signInPath(): string {
  return `/auth/github?returnTo=${encodeURIComponent(location.pathname + location.hash)}`;
}
