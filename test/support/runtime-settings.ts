import { type Config, parseConfig } from '../../src/config.ts';
import type { LeaseRequest, Prompt, RuntimeEvent, RuntimeUser, SessionLease } from '../../src/runtimes/runtime-port.ts';

/** A whole configuration with the runtimes' part of it changed. */
export function runtimeConfig(
  place: { dataDir: string; copilotApiUrl: string; debugGitHubApiUrl: string },
  changes: { copilot?: Partial<Config['copilot']>; leases?: Partial<Config['leases']> } = {},
): Config {
  const config = parseConfig({
    DATA_DIR: place.dataDir,
    GITHUB_CLIENT_ID: 'client',
    GITHUB_CLIENT_SECRET: 'secret',
    COPILOT_API_URL: place.copilotApiUrl,
    COPILOT_DEBUG_GITHUB_API_URL: place.debugGitHubApiUrl,
  });
  return {
    ...config,
    copilot: { ...config.copilot, ...changes.copilot },
    leases: { ...config.leases, ...changes.leases },
  };
}

/** A request for the session of a chat. */
export function leaseRequest(user: RuntimeUser, chatId: string, changes: Partial<LeaseRequest> = {}): LeaseRequest {
  return {
    user,
    chatId,
    sessionId: `user-${user.userId}-${chatId}`,
    model: 'gpt-5.4',
    systemMessage: 'You are kind.',
    contextVersion: 1,
    history: async () => [],
    ...changes,
  };
}

/** What somebody types. */
export function say(text: string): Prompt {
  return { text, attachments: [] };
}

/** Runs a turn to its end and releases the lease. */
export async function runTurn(
  lease: SessionLease,
  prompt: Prompt,
  signal: AbortSignal = AbortSignal.timeout(60_000),
): Promise<{ events: RuntimeEvent[]; answer: string }> {
  const events: RuntimeEvent[] = [];
  try {
    for await (const event of lease.run(prompt, signal)) events.push(event);
    return { events, answer: answerIn(events) };
  } finally {
    lease.release({ keepWarm: true });
  }
}

/** The text deltas after the last reset, joined. */
export function answerIn(events: readonly RuntimeEvent[]): string {
  const from = events.findLastIndex((event) => event.type === 'reset') + 1;
  return events
    .slice(from)
    .map((event) => (event.type === 'text' ? event.text : ''))
    .join('');
}

/** Keeps what is logged, to look for secrets in it. */
export function recordingLogger() {
  const lines: { level: string; details: object; message: string }[] = [];
  const at = (level: string) => (details: object, message: string) => void lines.push({ level, details, message });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
