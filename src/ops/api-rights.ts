/** What a route asks of its caller, as the document says it: from the same declaration that the guard reads. Pure. */

/** As rooms declare it in a route's config; neither: the route is open to everyone. */
export interface DeclaredRights {
  readonly scope?: string;
  readonly sessionOnly?: true;
}

/** Security requirements, and `x-scope`: an API token's scope, `session` (browsers only) or `public`. */
export interface DocumentedRights {
  readonly security: Record<string, string[]>[];
  readonly 'x-scope': string;
}

/** A scheme that is not OAuth lists scopes as roles (OpenAPI 3.1, Security Requirement Object). */
export function rightsOf({ scope, sessionOnly }: DeclaredRights): DocumentedRights {
  if (sessionOnly === true) return { security: [{ session: [] }], 'x-scope': 'session' };
  if (scope === undefined) return { security: [], 'x-scope': 'public' };
  return { security: [{ session: [] }, { token: [scope] }], 'x-scope': scope };
}
