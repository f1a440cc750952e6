/**
 * `npm run bench [-- --only P1,P5] [--quick]`: the figures we promise, each beside what it is compared with, in paired
 * rounds of the same run. The model is a stand-in at no delay, so that what is measured is ours; everything stays on
 * 127.0.0.1. A full run writes docs/benchmarks.md.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { type Extent, type Figure, Ground } from './bench-ground.ts';
import { history } from './bench-history.ts';
import { idleStreams, startUp } from './bench-process.ts';
import { besideTheGuide, turnsAtOnce, warmTurns } from './bench-turns.ts';

/** Which figures each measurement brings. */
const MEASUREMENTS: readonly { ids: readonly string[]; run: (ground: Ground, extent: Extent) => Promise<Figure[]> }[] =
  [
    { ids: ['P1', 'P2'], run: warmTurns },
    { ids: ['P3'], run: besideTheGuide },
    { ids: ['P4', 'P9'], run: turnsAtOnce },
    { ids: ['P5', 'P6'], run: history },
    { ids: ['P7'], run: idleStreams },
    { ids: ['P8'], run: startUp },
  ];

const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } });
const only = values.only?.split(',').map((id) => id.trim().toUpperCase());
const extent: Extent = { quick: values.quick, rounds: values.quick ? 3 : 7 };
const begun = performance.now();
const figures: Figure[] = [];
for (const { ids, run } of MEASUREMENTS) {
  if (only !== undefined && !ids.some((id) => only.includes(id))) continue;
  console.error(`measuring ${ids.join(', ')} …`);
  await using ground = await Ground.lay();
  figures.push(...(await run(ground, extent)));
}
figures.sort((a, b) => (a.id < b.id ? -1 : 1));
console.table(Object.fromEntries(figures.map(({ id, what, ...row }) => [`${id} ${what}`, row])));
if (only === undefined && !extent.quick) {
  await writeFile('docs/benchmarks.md', await page(figures, (performance.now() - begun) / 1000));
  console.log('docs/benchmarks.md is written.');
}
process.exitCode = figures.every(({ ok }) => ok !== false) ? 0 : 1;

async function page(rows: readonly Figure[], seconds: number): Promise<string> {
  const { dependencies } = JSON.parse(await readFile('package.json', 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const version = (name: string) => `${name} ${dependencies[name]}`;
  const cells = rows.map(
    ({ id, what, ours, other, result, goal, ok }) =>
      `| ${id} | ${what} | ${ours} | ${other} | **${result}** | ${goal} | ${ok === null ? '–' : ok ? 'yes' : 'no'} |`,
  );
  return `# Benchmarks

Written by \`npm run bench\` (${extent.rounds} paired rounds each, medians; the whole run took ${Math.round(seconds / 60)} minutes).
Machines are noisy: trust the ratios, which come from one run on one machine, not the absolute figures. The model is the
demo's stand-in at no delay, so that what is measured is the gateway's own: a real model adds its seconds to both sides.

${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${process.arch}, Node ${process.versions.node},
${['@github/copilot-sdk', 'fastify', 'kysely', 'pg'].map(version).join(', ')}. Load, stand-in, runtimes and gateway share these cores;
the load average at the end was ${loadavg()[0]?.toFixed(1)}: if that is far above the number of cores, other work was measured too.

| | Figure | Pilothouse | Beside | Result | Goal | Reached |
|---|---|---|---|---|---|---|
${cells.join('\n')}

- **P1, P2, P4**: \`session.sendAndWait\` of the bare SDK on runtime processes of the same kind (\`isolated\`), the same model
  and prompt, as many turns. Ours goes through HTTP, sign-in, durable transactions in the database, and the log. P1 and P2
  begin after 192 turns on either side: a process that has just started compiles as it goes.
- **P3**: GitHub's guide as it is written: a client per request, \`resumeSession\`, \`sendAndWait\`, \`stop\`, over the same kind
  of headless server. The guide's side is called without HTTP, ours with it.
- **P5**: a Fastify route without anything else that sends the same bytes from memory. **P6**: the same pages among many more.
- **P7**: \`GET /api/events\`, resident memory of the gateway's process. **P8**: beside a Node process that does nothing.
- **P9**: \`nodejs_eventloop_lag_p99_seconds\` of the gateway during P4.
`;
}
