/** What GitHub's token endpoint answers, read with care: it reports failures with status 200 (D2). Pure. */
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { GitHubTokens } from './credential-vault.ts';

const Seconds = Type.Union([Type.Number({ minimum: 0 }), Type.String({ pattern: '^[0-9]{1,12}$' })]);

const AnswerShape = Type.Object({
  access_token: Type.String({ minLength: 1, maxLength: 4_096 }),
  token_type: Type.String({ pattern: '^[Bb]earer$' }),
  expires_in: Type.Optional(Seconds),
  refresh_token: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
  refresh_token_expires_in: Type.Optional(Seconds),
});

/** Tokens, or GitHub's code for why not (`invalid_answer` where it gives none). */
export type TokenAnswer =
  | { readonly kind: 'tokens'; readonly tokens: GitHubTokens }
  | { readonly kind: 'refused'; readonly error: string };

/** Reads an answer that came at `now`. Only a token without any `error` counts as success. */
export function readTokenAnswer(answer: unknown, now: number): TokenAnswer {
  const error = errorIn(answer);
  if (error !== null) return { kind: 'refused', error };
  if (!Value.Check(AnswerShape, answer)) return { kind: 'refused', error: 'invalid_answer' };
  return {
    kind: 'tokens',
    tokens: {
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token ?? null,
      expiresAt: endOf(answer.expires_in, now),
      refreshExpiresAt: endOf(answer.refresh_token_expires_in, now),
    },
  };
}

function errorIn(answer: unknown): string | null {
  if (typeof answer !== 'object' || answer === null || !('error' in answer)) return null;
  // Only a word of the protocol goes into logs; anything else could be anything.
  return typeof answer.error === 'string' && /^[a-z_]{1,64}$/.test(answer.error) ? answer.error : 'invalid_answer';
}

function endOf(seconds: number | string | undefined, now: number): number | null {
  return seconds === undefined ? null : now + Math.floor(Number(seconds)) * 1_000;
}
