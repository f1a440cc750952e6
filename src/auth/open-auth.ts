/** Composes this room: from configuration and store to routes, guard and credentials. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import type { GatewayError } from '../errors.ts';
import type { Principal } from '../principal.ts';
import type { Store } from '../store/store.ts';
import { Access, type AccessHooks } from './access.ts';
import { AccountErasure } from './account-erasure.ts';
import { SIGNING_KEY_PURPOSE } from './api-token-key-seal.ts';
import { ApiTokenKeys } from './api-token-keys.ts';
import { apiTokenKeyRoutes, apiTokenRoutes } from './api-token-routes.ts';
import { ApiTokens } from './api-tokens.ts';
import type { AuthLogger, Clock } from './auth-logger.ts';
import { type AuthParts, guardScope, type OnStranger, registerAccountRoutes, registerSignIn } from './auth-plugin.ts';
import { Authenticator } from './authenticate.ts';
import { assertKeysComplete, type Rotation, reencryptAll } from './credential-rotation.ts';
import { CredentialVault } from './credential-vault.ts';
import { Credentials } from './credentials.ts';
import { GitHubClient } from './github-client.ts';
import { Keyring } from './keyring.ts';
import { MembershipCheck } from './membership.ts';
import { MembershipRecheck, type RecheckRound } from './membership-recheck.ts';
import { RecentChecks } from './recent-checks.ts';
import { Revocations } from './revocations.ts';
import { loadSecrets, type Secrets } from './secrets.ts';
import { SignIn } from './sign-in.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** What this room is given. */
export interface AuthDependencies {
  readonly config: Config;
  readonly store: Store;
  readonly logger: AuthLogger;
  /** What else ends when a person's access ends. */
  readonly hooks: AccessHooks;
  readonly clock: Clock;
  /** Absent: our own tokens; null: API tokens are not accepted. */
  readonly tokenVerifier?: TokenVerifier | null;
  /** How long one call to GitHub may take, in milliseconds. Default 10 000. */
  readonly githubDeadlineMs?: number;
  /** How often the rights behind open streams are asked for where other instances can end them. Default 2 000. */
  readonly sweepMs?: number;
}

/** The room, open. Whoever opened it closes it. */
export interface Auth {
  /** For turns. */
  readonly credentials: Credentials;
  /** For routes with long streams: `revocations.signalFor(request.principal, reply.raw)`. */
  readonly revocations: Revocations;
  readonly secrets: Secrets;
  /** Adds `/auth/…` and the public keys to a public scope of its own. */
  registerSignIn(scope: FastifyInstance): Promise<void>;
  /** Guards `scope`: its routes have `request.principal` and must declare `config.scope` or `config.sessionOnly`. */
  guard(scope: FastifyInstance, onStranger?: OnStranger): Promise<void>;
  /** Adds `/api/me…` and `/api/tokens…` to a guarded scope. */
  registerAccountRoutes(scope: FastifyInstance): void;
  /** Null before the guard has run, or on a public route. */
  principalOf(request: FastifyRequest): Principal | null;
  /** Whose request it is, as far as is known, also of one that was refused; for logs. */
  userIdOf(request: FastifyRequest): string | null;
  /** Ends all access of a user (a block, an operator's word): sessions, API tokens, streams, turns. */
  endAccess(userId: string, error?: GatewayError): Promise<void>;
  /** A job's work, every minute or so: organizations and users are checked again when due. */
  recheckDue(now: number, signal: AbortSignal): Promise<RecheckRound>;
  /** A job's work, once after start: seals with the current key whatever is not. */
  reencryptAll(signal: AbortSignal): Promise<Rotation>;
  close(): Promise<void>;
}

/** With it, a revocation on another instance is felt within the promised five seconds. */
const SWEEP_MS = 2_000;

/** @throws Error when secrets are missing or damaged, or a stored credential's key is */
export async function openAuth(deps: AuthDependencies): Promise<Auth> {
  const { config, store, logger, clock } = deps;
  const secrets = await loadSecrets(config, logger);
  const vault = new CredentialVault(new Keyring(secrets.credentialKeys, 'github-credential'));
  await assertKeysComplete({ store, vault });
  const { access, credentials, recheck, revocations, ...parts } = openParts(deps, vault);
  const ring = new Keyring(secrets.credentialKeys, SIGNING_KEY_PURPOSE);
  const keys = new ApiTokenKeys({ store, ring, logger, clock });
  const tokens = new ApiTokens({ keys, store, issuer: config.publicUrl.origin, logger, clock });
  const tokenVerifier = deps.tokenVerifier === undefined ? tokens : deps.tokenVerifier;
  const { recent } = parts;
  const authenticator = new Authenticator({ config, store, tokenVerifier, recent, logger, clock });
  const routed: AuthParts = {
    ...{ ...parts, config, store, clock, access, revocations, authenticator },
    sessionSecrets: secrets.sessionSecrets,
    deadlineMs: deps.githubDeadlineMs,
  };
  // On SQLite too: a right may end in the moment between its check and the first breath of the stream that leans on it.
  const sweeping = sweep(revocations, access, logger, deps.sweepMs);
  return {
    ...{ credentials, revocations, secrets },
    registerSignIn: async (scope) => {
      await registerSignIn(scope, routed);
      void scope.register(apiTokenKeyRoutes(keys));
    },
    guard: (scope, onStranger) => guardScope(scope, routed, onStranger),
    registerAccountRoutes: (scope) => {
      registerAccountRoutes(scope, routed);
      void scope.register(apiTokenRoutes({ tokens, store, revocations }));
    },
    principalOf: (request) => authenticator.principalOf(request),
    userIdOf: (request) => authenticator.userIdOf(request),
    endAccess: (userId, error) => access.endAll(userId, error),
    recheckDue: (now, signal) => recheck.recheckDue(now, signal),
    reencryptAll: (signal) => reencryptAll({ store, vault, logger, clock }, signal),
    close: async () => {
      sweeping[Symbol.dispose]();
      await recheck.close();
      await credentials.close();
    },
  };
}

/** Everything that has to do with people and their GitHub, wired. */
function openParts(
  { config, store, logger, hooks, clock, githubDeadlineMs }: AuthDependencies,
  vault: CredentialVault,
) {
  const { github } = config;
  const client = new GitHubClient(github, clock, githubDeadlineMs);
  const recent = new RecentChecks();
  const revocations = new Revocations(() => recent.forget());
  const access = new Access({ store, revocations, hooks, clock, idleMs: config.webSessions.idleMs });
  const credentials = new Credentials({
    ...{ copilot: config.copilot, store, vault, github: client, logger, clock },
    onUse: (userId, checkedAt) => recheck.checkSoon(userId, checkedAt),
  });
  const check = new MembershipCheck({ github, client, logger });
  const recheck = new MembershipRecheck({ github, client, check, store, credentials, access, logger, clock });
  const signIn = new SignIn({ github, store, client, check, vault, access, logger, clock });
  const erasure = new AccountErasure({ store, credentials, client, access, hooks, logger });
  return { recent, revocations, access, credentials, recheck, signIn, erasure };
}

/** A right may end on another instance, or in the moment before a stream that leans on it is watched. */
function sweep(revocations: Revocations, access: Access, logger: AuthLogger, everyMs = SWEEP_MS): Disposable {
  let running = false;
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    revocations
      .sweep((principal) => access.isValid(principal))
      .catch((error: unknown) => logger.warn({ err: error }, 'The rights of open streams could not be checked'))
      .finally(() => {
        running = false;
      });
  }, everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
