/**
 * Who is asking. Only `auth/` makes a {@link Principal}, after it has checked a cookie or a token; a route that takes one
 * cannot be reached unauthenticated, because it cannot get the type any other way.
 */

/** What an API token may be allowed to do. A browser session may do everything its person may. */
export const SCOPES = ['chats:read', 'chats:write', 'account:read'] as const;

/** One scope of an API token. */
export type Scope = (typeof SCOPES)[number];

/** How the principal proved who they are. */
export type Proof =
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'token'; readonly tokenId: string; readonly scopes: readonly Scope[] };

declare const checked: unique symbol;

/** An authenticated user. `userId` is GitHub's numeric id as a decimal string: logins can be renamed and re-claimed. */
export interface Principal {
  readonly [checked]: true;
  readonly userId: string;
  readonly login: string;
  readonly proof: Proof;
}

/** Marks checked values as a {@link Principal}. Call it only where a credential was verified. */
export function principal(values: { userId: string; login: string; proof: Proof }): Principal {
  return values as unknown as Principal;
}
