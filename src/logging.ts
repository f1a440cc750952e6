/**
 * The logger: JSON lines by pino. What must never be in a log is kept out twice: fields that carry secrets are not logged
 * or redacted by path, and anything that looks like a token or is a configured secret is masked in whatever else is written.
 */
import { type DestinationStream, type Logger, pino } from 'pino';

/** Tokens of GitHub and JWTs, wherever they stand in a line. */
const TOKEN_SHAPES =
  /\b(?:gh[oupsr]_[A-Za-z0-9]{4,}|github_pat_[A-Za-z0-9_]{4,}|eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){2,4})/g;

const REDACTED = [
  'req.headers.authorization',
  'req.headers.cookie',
  'res.headers["set-cookie"]',
  'headers.authorization',
  'headers.cookie',
];

export interface LoggingOptions {
  readonly level: string;
  /** Secrets of the configuration: masked verbatim. */
  readonly secrets: readonly string[];
  readonly destination?: DestinationStream;
}

/** A logger that masks tokens. Values shorter than 8 characters are not treated as secrets. */
export function createLogger({ level, secrets, destination = standardOutput() }: LoggingOptions): Logger {
  const known = [...new Set(secrets.filter((secret) => secret.length >= 8).flatMap(spellings))];
  const mask = (line: string) =>
    known.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line.replace(TOKEN_SHAPES, '[token]'));
  return pino(
    {
      level,
      redact: { paths: REDACTED, censor: '[redacted]' },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: pino.stdSerializers.errWithCause, req: requestLine, res: responseLine },
    },
    { write: (line: string) => destination.write(mask(line)) },
  );
}

/**
 * Standard output, to which the lines of one turn of the event loop go together: one system call for a busy moment instead of
 * one for each request. What a process says last is written before it exits.
 */
function standardOutput(): DestinationStream {
  let lines = '';
  const flush = () => {
    const text = lines;
    lines = '';
    if (text !== '') process.stdout.write(text);
  };
  process.once('exit', flush);
  return {
    write: (line) => {
      if (lines === '') setImmediate(flush);
      lines += line;
    },
  };
}

/** A secret as it may stand in a line: as it was given, decoded where it came in a URL, and escaped as JSON does. */
function spellings(secret: string): string[] {
  const plain = [secret];
  try {
    plain.push(decodeURIComponent(secret));
  } catch {
    // A lone `%`: it was not encoded.
  }
  return plain.flatMap((text) => [text, JSON.stringify(text).slice(1, -1)]);
}

/** Method, path without its query (it may carry a code or a search), and address. */
function requestLine(request: { method?: string; url?: string; ip?: string }): Record<string, unknown> {
  return { method: request.method, path: request.url?.split('?', 1)[0], address: request.ip };
}

function responseLine(reply: { statusCode?: number }): Record<string, unknown> {
  return { status: reply.statusCode };
}
