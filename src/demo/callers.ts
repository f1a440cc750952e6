import type { StandInPerson } from './people.ts';
import type { TokenGrant, TokenLedger } from './tokens.ts';

/** Someone whose token is live. */
export interface Caller {
  person: StandInPerson;
  grant: TokenGrant;
}

/** Who a token belongs to; null: it is unknown, expired or revoked. */
export function findCaller(
  { people, tokens }: { people: readonly StandInPerson[]; tokens: TokenLedger },
  token: string | null,
): Caller | null {
  const grant = tokens.find(token);
  const person = people.find((candidate) => candidate.login === grant?.login);
  return grant && person ? { person, grant } : null;
}
