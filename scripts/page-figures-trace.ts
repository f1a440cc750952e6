/** What a page's main thread does, from the browser's own trace: tasks by the clock, and by the CPU they took. */
import type { Page } from '../test/support/browser.ts';

/** Milliseconds. The clock counts what else the machine does; the CPU's time is the page's own. */
export interface MainThread {
  readonly cpuMs: number;
  readonly longestMs: number;
  readonly longestCpuMs: number;
  /** Tasks of more than 50 ms, by the clock and by CPU. */
  readonly long: number;
  readonly longCpu: number;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  /** Microseconds, by the clock and of the thread. */
  readonly dur?: number;
  readonly tdur?: number;
}

const TASK = 'ThreadControllerImpl::RunTask';
const LONG_MS = 50;

/** Notes it from now on. @returns what ends it and tells */
export async function traceMainThread(page: Page): Promise<() => Promise<MainThread>> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'devtools.timeline'] },
  });
  return async () => {
    const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
    await session.send('Tracing.end');
    await complete;
    await session.detach();
    return summary(tasksOfPage(events));
  };
}

/** Tasks of the thread that laid out the most. */
function tasksOfPage(events: readonly TraceEvent[]): TraceEvent[] {
  const thread = ({ pid, tid }: TraceEvent) => `${pid}/${tid}`;
  const layouts = Map.groupBy(
    events.filter(({ name }) => name === 'Layout'),
    thread,
  );
  const [busiest] = [...layouts].toSorted(([, a], [, b]) => b.length - a.length);
  const tasks = events.filter((event) => event.name === TASK && event.ph === 'X' && thread(event) === busiest?.[0]);
  let end = 0;
  // A task inside of another one is part of it.
  return tasks
    .toSorted((a, b) => a.ts - b.ts)
    .filter(({ ts, dur = 0 }) => {
      if (ts < end) return false;
      end = ts + dur;
      return true;
    });
}

function summary(tasks: readonly TraceEvent[]): MainThread {
  const byClock = tasks.map(({ dur = 0 }) => dur / 1_000);
  const byCpu = tasks.map(({ tdur = 0 }) => tdur / 1_000);
  return {
    cpuMs: byCpu.reduce((sum, ms) => sum + ms, 0),
    longestMs: byClock.reduce((longest, ms) => Math.max(longest, ms), 0),
    longestCpuMs: byCpu.reduce((longest, ms) => Math.max(longest, ms), 0),
    long: byClock.filter((ms) => ms > LONG_MS).length,
    longCpu: byCpu.filter((ms) => ms > LONG_MS).length,
  };
}
