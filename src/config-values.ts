/**
 * Reading single values from the environment. A `VariableReader` collects every problem instead of stopping at the first;
 * its sentences say which variable, what is wrong and what to do.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/** The environment as it is handed in; an empty string counts as absent. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads variables one by one and remembers what was wrong with them. */
export class VariableReader {
  readonly problems: string[] = [];
  /** Every variable that was asked for, and whether it is a secret, so that templates and documentation can be held to it. */
  readonly asked = new Map<string, 'plain' | 'secret'>();
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  problem(sentence: string): void {
    this.problems.push(sentence);
  }

  text(name: string): string | null {
    if (!this.asked.has(name)) this.asked.set(name, 'plain');
    return this.#value(name);
  }

  /** A secret may come from a file: `NAME_FILE` names it. */
  secret(name: string): string | null {
    this.asked.set(name, 'secret');
    const direct = this.#value(name);
    const file = this.#value(`${name}_FILE`);
    if (file === null) return direct;
    if (direct !== null) {
      this.problem(`${name} and ${name}_FILE are both set: keep one.`);
      return direct;
    }
    try {
      const content = readFileSync(file, 'utf8').trim();
      if (content === '') this.problem(`${name}_FILE names ${file}, which is empty.`);
      return content === '' ? null : content;
    } catch (error) {
      this.problem(`${name}_FILE names ${file}, which cannot be read (${(error as NodeJS.ErrnoException).code}).`);
      return null;
    }
  }

  list(name: string): string[] {
    return splitList(this.text(name));
  }

  whole(name: string, fallback: number, range: { min: number; max: number }): number {
    const value = this.text(name);
    if (value === null) return fallback;
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= range.min && number <= range.max) return number;
    this.problem(`${name} is "${value}": give a whole number from ${range.min} to ${range.max}.`);
    return fallback;
  }

  choice<const Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
    const value = this.text(name);
    if (value === null) return fallback;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    this.problem(`${name} is "${value}": give one of ${choices.join(', ')}.`);
    return fallback;
  }

  /** An absolute http(s) URL without credentials, query or fragment; no trailing slash is kept. */
  url(name: string, fallback: string): string {
    const value = this.text(name) ?? fallback;
    const url = URL.parse(value);
    if (
      url === null ||
      !/^https?:$/.test(url.protocol) ||
      url.search !== '' ||
      url.hash !== '' ||
      url.username !== '' ||
      url.password !== ''
    ) {
      // The value may hold a password: it is not repeated.
      this.problem(`${name} is not an absolute http:// or https:// URL without query or credentials.`);
      return fallback;
    }
    return value.replace(/\/+$/, '');
  }

  /** Secrets of 32 random bytes or more in base64url, current first. */
  keys(name: string): string[] {
    const keys = splitList(this.secret(name));
    for (const [index, key] of keys.entries()) {
      if (!/^[A-Za-z0-9_-]+={0,2}$/.test(key) || Buffer.from(key, 'base64url').length < 32) {
        this.problem(
          `${name}: entry ${index + 1} is not 32 random bytes or more in base64url. Make one with: openssl rand -base64 48 | tr '+/' '-_' | tr -d '='`,
        );
      }
    }
    return keys;
  }

  /** Addresses or CIDR ranges; nothing that would trust everyone. */
  networks(name: string): string[] {
    const networks = this.list(name);
    for (const network of networks) {
      if (!isNetwork(network)) {
        this.problem(
          `${name}: "${network}" is not an IP address or CIDR range. Name your proxies, e.g. 10.0.0.0/8; "true" or a hop count would believe anyone.`,
        );
      }
    }
    return networks;
  }

  #value(name: string): string | null {
    const value = this.#env[name]?.trim();
    return value === undefined || value === '' ? null : value;
  }
}

function splitList(value: string | null): string[] {
  return value === null
    ? []
    : value
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== '');
}

function isNetwork(network: string): boolean {
  const [address = '', prefix, ...rest] = network.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  // A prefix of 0 is the whole internet: as bad as `true`.
  return /^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= (version === 4 ? 32 : 128);
}

/** True for the names and addresses that never leave this machine. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare.endsWith('.localhost') || bare === '::1' || /^127\./.test(bare);
}

/** Splits `host:port`, `[v6]:port` or a bare port, as `CLI_URL` takes them; null: none of these. */
export function parseHostPort(text: string): { host: string; port: number } | null {
  const match = /^(?:(?:https?:\/\/)?(\[[0-9a-fA-F:]+\]|[^:/[\]]+):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  return match !== null && port > 0 && port < 65536 ? { host: match[1] ?? 'localhost', port } : null;
}
