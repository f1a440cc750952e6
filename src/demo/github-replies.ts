import { type Exchange, sendJson } from './exchange.ts';
import type { StandInPerson } from './people.ts';
import type { TokenLedger } from './tokens.ts';

/** What the REST routes need to know. */
export interface GitHubApiSettings {
  clientId: string;
  clientSecret: string;
  people: readonly StandInPerson[];
  tokens: TokenLedger;
  /** The stand-in's own URL; called late because the port is not known at first. */
  origin: () => string;
}

const DOCS = 'https://docs.github.com/rest';

/** Answers with an error as GitHub words it. */
export function sendError(
  exchange: Exchange,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  sendJson(exchange, status, { message, documentation_url: DOCS, status: String(status) }, headers);
}

/** A person as `GET /user` shows them. */
export function describeUser(settings: GitHubApiSettings, person: StandInPerson): Record<string, unknown> {
  const origin = settings.origin();
  return {
    login: person.login,
    id: person.id,
    node_id: Buffer.from(`04:User${person.id}`).toString('base64'),
    avatar_url: new URL(person.avatarUrl, origin).href,
    url: `${origin}/users/${person.login}`,
    html_url: `${origin}/${person.login}`,
    type: 'User',
    user_view_type: 'public',
    site_admin: false,
    name: person.name,
    company: null,
    email: null,
    bio: null,
    created_at: '2020-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
  };
}
