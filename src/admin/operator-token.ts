/**
 * How an operator proves to be one: a signed statement, good for a minute, made on the gateway's own machine from its own
 * secrets. Whoever can read those can do everything anyway, so no further credential has to be kept, sent or lost.
 */
import { errors, jwtVerify, SignJWT } from 'jose';

const ISSUER = 'pilothouse-operator';
const AUDIENCE = 'pilothouse-admin';
const TYPE = 'operator+jwt';
const ALGORITHM = 'HS256';
const LIFETIME = '60s';

/** Of `deriveKey(secret, …)`: this key signs nothing else. */
export const OPERATOR_KEY_PURPOSE = 'operator-token';

/** A token in the name of `admin`, one of `ADMIN_USERS`. */
export function mintOperatorToken(admin: string, key: Uint8Array): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(admin)
    .setIssuedAt()
    .setExpirationTime(LIFETIME)
    .sign(key);
}

/** In whose name the token speaks; null: it is not one, not of ours, or too old. `keys`: current first. */
export async function verifyOperatorToken(token: string, keys: readonly Uint8Array[]): Promise<string | null> {
  for (const key of keys) {
    try {
      const { payload } = await jwtVerify(token, key, {
        issuer: ISSUER,
        audience: AUDIENCE,
        typ: TYPE,
        algorithms: [ALGORITHM],
        requiredClaims: ['exp', 'iat', 'sub'],
        maxTokenAge: LIFETIME,
      });
      return payload.sub ?? null;
    } catch (error) {
      // Not under this key, or not at all: a TypeError too, when the algorithm is another (jose 6.2.17, D10).
      if (!(error instanceof errors.JOSEError) && !(error instanceof TypeError)) throw error;
    }
  }
  return null;
}
