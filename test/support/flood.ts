/** Many requests at once, from a thread of their own so that sending them does not slow down the gateway under test. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** The same request, `count` times in parallel. */
export interface Flood {
  readonly url: string;
  readonly count: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What came of it. */
export interface FloodOutcome {
  /** How many answers had each status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** How many of the 429s said when to come back. */
  readonly told: number;
  readonly ms: number;
}

/** Sends it. `started` is called when the thread is up and about to send. */
export async function flood(plan: Flood, started: () => void): Promise<FloodOutcome> {
  const worker = new Worker(new URL(import.meta.url), { workerData: plan });
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', (said: FloodOutcome | 'started') => (said === 'started' ? started() : resolve(said)));
      worker.once('error', reject);
    });
  } finally {
    await worker.terminate();
  }
}

async function send({ url, count, headers, body }: Flood): Promise<FloodOutcome> {
  const statuses: Record<string, number> = {};
  let told = 0;
  const began = performance.now();
  const one = async (): Promise<void> => {
    const answer = await fetch(url, { method: 'POST', headers, body });
    await answer.arrayBuffer();
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    if (answer.status === 429 && answer.headers.has('retry-after')) told += 1;
  };
  await Promise.all(Array.from({ length: count }, one));
  return { statuses, told, ms: performance.now() - began };
}

if (!isMainThread && parentPort !== null) {
  parentPort.postMessage('started');
  parentPort.postMessage(await send(workerData as Flood));
}
