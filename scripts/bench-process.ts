/** P7: memory of idle event streams. P8: how long a start takes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Extent, type Figure, type Ground, paired } from './bench-ground.ts';
import { openStreams } from './bench-http.ts';
import { freePort, GatewayProcess } from './torture-processes.ts';

const PAGE_BYTES = 4096;

export async function idleStreams(ground: Ground, { quick }: Extent): Promise<Figure[]> {
  const count = quick ? 2_000 : 10_000;
  // The bound on streams of one person is out of the way; half of them each.
  const gateway = await ground.gateway({ STREAMS_PER_USER: '10000' });
  const people = [await gateway.signIn('mona'), await gateway.signIn('hubot')];
  const open = async (streams: number) => {
    const each = Math.ceil(streams / people.length);
    const closes = await Promise.all(
      people.map(({ cookieHeader }) => openStreams(gateway.url, '/api/events', cookieHeader, each)),
    );
    return () => closes.forEach((close) => void close());
  };
  // What is loaded and allocated once is not the streams' own.
  (await open(200))();
  const closeOne = await open(1);
  const before = await settledMemory(gateway.process.pid);
  const closeAll = await open(count);
  const after = await settledMemory(gateway.process.pid);
  closeOne();
  closeAll();
  const each = (after - before) / count / 1024;
  return [
    {
      ...{ id: 'P7', what: `resident memory of ${count.toLocaleString('en')} idle event streams` },
      ...{ ours: `${((after - before) / 1024 / 1024).toFixed(0)} MB`, other: 'one stream' },
      ...{ result: `${each.toFixed(1)} KB each`, goal: '≤ 30 KB each', ok: each <= 30 },
    },
  ];
}

/** Resident bytes once they have stopped moving. */
async function settledMemory(pid: number): Promise<number> {
  let last = 0;
  for (let look = 0; look < 20; look += 1) {
    const pages = Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1]);
    if (Math.abs(pages - last) < last * 0.005) return pages * PAGE_BYTES;
    last = pages;
    await delay(500);
  }
  return last * PAGE_BYTES;
}

export async function startUp(ground: Ground, { rounds }: Extent): Promise<Figure[]> {
  const dataDir = await ground.directory();
  const start = async () => {
    const gateway = new GatewayProcess(ground.standIn, { dataDir, port: await freePort() });
    const took = await gateway.start();
    await gateway.terminate();
    return took;
  };
  await start();
  const { ours, other } = await paired(rounds, start, emptyProcess);
  const more = (ours - other) / 1000;
  return [
    {
      ...{ id: 'P8', what: 'start to ready, SQLite', ours: `${(ours / 1000).toFixed(2)} s` },
      ...{ other: `${(other / 1000).toFixed(2)} s (node -e 0)`, result: `+ ${more.toFixed(2)} s` },
      ...{ goal: '≤ 1 s more', ok: more <= 1 },
    },
  ];
}

async function emptyProcess(): Promise<number> {
  const begun = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return performance.now() - begun;
}
