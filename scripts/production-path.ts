/**
 * `npm run production-path`: what docs/deploy.md leads to, walked on this machine with real processes: PostgreSQL, a headless
 * Copilot CLI, two gateways from `config/external.env` with their secrets in files. GitHub and the model are the stand-in's.
 * Prints a table of steps; exits 1 when one failed. What it leaves out is said: TLS in front, and a system's own user.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LeftOut, STEPS } from './production-path-steps.ts';

/** How a step went. */
export interface Walked {
  readonly step: string;
  /** `left out`: this machine lacks what it needs; the detail says what. */
  readonly result: 'ok' | 'failed' | 'left out';
  readonly seconds: number;
  readonly detail: string;
}

/** Walks the path to its end or to the first step that fails. */
export async function walkProductionPath(tell: (walked: Walked) => void = () => {}): Promise<Walked[]> {
  await using opened = new AsyncDisposableStack();
  const directory = opened.adopt(await mkdtemp(join(tmpdir(), 'pilothouse-path-')), (it) =>
    rm(it, { recursive: true, force: true }),
  );
  const path: Walked[] = [];
  const found = {};
  for (const [step, walk] of Object.entries(STEPS)) {
    const begun = performance.now();
    const after = (result: Walked['result'], detail: string): Walked => ({
      ...{ step, result, detail },
      seconds: Math.round((performance.now() - begun) / 100) / 10,
    });
    const walked = await walk({ directory, opened, found }).then(
      (detail) => after('ok', detail),
      (error: unknown) =>
        after(error instanceof LeftOut ? 'left out' : 'failed', error instanceof Error ? error.message : String(error)),
    );
    path.push(walked);
    tell(walked);
    if (walked.result === 'failed') break;
  }
  return path;
}

if (import.meta.main) {
  const path = await walkProductionPath(({ step, result, seconds, detail }) =>
    console.log(`${result.padEnd(8)} ${String(seconds).padStart(5)} s  ${step.padEnd(44)} ${detail}`),
  );
  if (path.some(({ result }) => result === 'failed')) process.exitCode = 1;
  else
    console.log(
      'Not walked: a TLS proxy in front, and the system’s own users and units (npm run check-deploy reads those).',
    );
}
