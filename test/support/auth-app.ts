/** This room in a real Fastify over real SQLite, against the stand-in of GitHub; and a browser that keeps its cookies. */
import assert from 'node:assert/strict';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { type Auth, openAuth } from '../../src/auth/open-auth.ts';
import type { TokenVerifier } from '../../src/auth/token-verifier.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { type StandIn, type StandInOptions, startStandIn } from '../../src/demo/stand-in.ts';
import type { GatewayError } from '../../src/errors.ts';
import { createLogger } from '../../src/logging.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { acceptOnlyJson } from '../../src/wire/json-bodies.ts';
import { registerProblems } from '../../src/wire/problem-replies.ts';
import { compileValidator } from '../../src/wire/validation.ts';
import { Browser } from './auth-browser.ts';

/** How the app under test differs from the default. */
export interface AuthAppOptions {
  env?: Record<string, string>;
  /** An own stand-in, or one that another app uses too. */
  standIn?: StandIn | StandInOptions;
  /** A directory to keep data in across apps; default: in memory, gone with the app. */
  dataDir?: string;
  tokenVerifier?: TokenVerifier;
  githubDeadlineMs?: number;
  sweepMs?: number;
  /** Wraps the store, to watch or break it. */
  wrapStore?: (store: Store) => Store;
  /** More guarded routes. */
  routes?: FastifyPluginAsync;
  /** Logs what it is given without the masking that production has as a second line. */
  logger?: (write: (line: string) => void) => Logger;
}

/** A running app and everything around it. Dispose of it. */
export interface AuthApp extends AsyncDisposable {
  app: FastifyInstance;
  auth: Auth;
  store: Store;
  standIn: StandIn;
  config: Config;
  log: string[];
  /** What the hooks were told. */
  revoked: { userId: string; code: string }[];
  erased: { userId: string; chatIds: readonly string[] }[];
  /** Now, as the app sees it. */
  now(): number;
  /** Lets the app's clock jump. */
  advance(ms: number): void;
  browser(): Browser;
}

const SECRETS = {
  SESSION_SECRETS: Buffer.alloc(32, 1).toString('base64url'),
  CREDENTIAL_KEYS: Buffer.alloc(32, 2).toString('base64url'),
};

export async function openAuthApp(options: AuthAppOptions = {}): Promise<AuthApp> {
  const shared = options.standIn !== undefined && 'close' in options.standIn ? options.standIn : null;
  const standIn = shared ?? (await startStandIn(options.standIn as StandInOptions | undefined));
  const config = configOf(standIn, options.dataDir, options.env);
  const log: string[] = [];
  const write = (line: string) => void log.push(line);
  const logger = options.logger?.(write) ?? createLogger({ level: 'debug', secrets: [], destination: { write } });
  const opened = await openStore(config.database);
  const store = options.wrapStore?.(opened) ?? opened;
  const [revoked, erased]: [AuthApp['revoked'], AuthApp['erased']] = [[], []];
  let offset = 0;
  const clock = () => Date.now() + offset;
  const hooks = {
    onUserRevoked: async (userId: string, { code }: GatewayError) => void revoked.push({ userId, code }),
    onUserErased: async (userId: string, chatIds: readonly string[]) => void erased.push({ userId, chatIds }),
  };
  const closeAll = async () => {
    await opened.close();
    if (shared === null) await standIn.close();
  };
  try {
    const { tokenVerifier = null, githubDeadlineMs, sweepMs } = options;
    const auth = await openAuth({
      ...{ config, store, logger, hooks, clock, tokenVerifier },
      ...(githubDeadlineMs === undefined ? {} : { githubDeadlineMs }),
      ...(sweepMs === undefined ? {} : { sweepMs }),
    });
    const app = await buildTestApp(auth, logger, options.routes);
    return {
      ...{ app, auth, store, standIn, config, log, revoked, erased },
      now: clock,
      advance: (ms) => {
        offset += ms;
      },
      browser: () => new Browser(app, standIn, config.publicUrl),
      [Symbol.asyncDispose]: async () => {
        await app.close();
        await auth.close();
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function buildTestApp(
  auth: Auth,
  logger: Logger,
  routes: FastifyPluginAsync | undefined,
): Promise<FastifyInstance> {
  const app = Fastify({ loggerInstance: logger as FastifyBaseLogger });
  app.setValidatorCompiler(compileValidator);
  registerProblems(app);
  acceptOnlyJson(app);
  const open: FastifyPluginAsync = async (scope) => {
    await auth.registerSignIn(scope);
  };
  const guarded: FastifyPluginAsync = async (scope) => {
    await auth.guard(scope);
    // As the gateway has them: later hooks lean on the guard, and an answer takes more than one tick.
    scope.addHook('onRequest', async (request) => assert.ok(request.principal.userId));
    scope.addHook('onSend', async () => new Promise((resolve) => setImmediate(resolve)));
    auth.registerAccountRoutes(scope);
    scope.get('/test/read', { config: { scope: 'chats:read' } }, async (request) => request.principal);
    scope.post('/test/write', { config: { scope: 'chats:write' } }, async (request) => request.principal);
    if (routes !== undefined) await scope.register(routes);
  };
  await app.register(open);
  await app.register(guarded);
  await app.ready();
  return app;
}

function configOf(standIn: StandIn, dataDir: string | undefined, env: Record<string, string> = {}): Config {
  return parseConfig({
    ...(dataDir === undefined ? { DATABASE_URL: 'sqlite::memory:' } : { DATA_DIR: dataDir }),
    GITHUB_URL: standIn.githubUrl,
    GITHUB_API_URL: standIn.githubApiUrl,
    GITHUB_CLIENT_ID: standIn.clientId,
    GITHUB_CLIENT_SECRET: standIn.clientSecret,
    ...SECRETS,
    ...env,
  });
}
