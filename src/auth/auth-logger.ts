/** What this room needs of a logger, and of a clock. Both are passed in. */
import type { FastifyBaseLogger } from 'fastify';

/** Structured, as pino's. Nothing given to it holds a token, a code or a secret. */
export type AuthLogger = Pick<FastifyBaseLogger, 'debug' | 'info' | 'warn' | 'error'>;

/** Milliseconds since the epoch. */
export type Clock = () => number;
