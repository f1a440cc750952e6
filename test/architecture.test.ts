/** Guards the floors of the house: arrows only downward, rooms on one floor apart, each outside library behind one room. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { describe, it } from 'node:test';

const SRC = join(import.meta.dirname, '..', 'src');

/** Floor of each room or top-level file, ground first. A room may use what lies below it. */
const FLOORS: readonly (readonly string[])[] = [
  [
    'compile-cache',
    'config',
    'config-values',
    'copilot-config',
    'errors',
    'principal',
    'logging',
    'session-files',
    'tracing-config',
    'tracing',
    'wire',
  ],
  ['store', 'runtimes'],
  ['turns'],
  ['auth', 'chats', 'openai', 'usage', 'admin', 'ops', 'web', 'jobs', 'cluster'],
  ['app', 'ops-app'],
  ['gateway-parts'],
  ['gateway', 'background-worker', 'process-life'],
  ['serve', 'work', 'demo'],
  ['main', 'worker'],
];

/** Top-level ground files may lean on each other; everything else on one floor may not. */
const GROUND = new Set(FLOORS[0]);

/** Libraries that only one room knows. */
const BEHIND: readonly { library: RegExp; rooms: readonly string[] }[] = [
  { library: /^@github\/copilot-sdk/, rooms: ['runtimes'] },
  { library: /^(kysely|pg|node:sqlite)($|\/)/, rooms: ['store'] },
  { library: /^pg-boss($|\/)/, rooms: ['cluster'] },
  { library: /^@opentelemetry\//, rooms: ['tracing'] },
  { library: /^@fastify\/(oauth2|session|cookie)$/, rooms: ['auth'] },
];

interface Arrow {
  from: string;
  to: string;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(SRC, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith(join('web', 'page')) && !file.startsWith(join('web', 'public')));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s+['"]([^'"]+)['"]/g,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

function roomOf(file: string): string {
  const [first = ''] = file.split(sep);
  return first.replace(/\.tsx?$/, '');
}

function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}

const files = sourceFiles(SRC);
const arrows: Arrow[] = files.flatMap((from) =>
  importsOf(from)
    .filter((target) => target.startsWith('.'))
    .map((target) => ({ from, to: normalize(join(dirname(from), target)) })),
);

describe('The house', () => {
  it('has every room and top-level file on a floor', () => {
    const unknown = files.map(roomOf).filter((room) => floorOf(room) < 0);
    assert.deepEqual([...new Set(unknown)], [], 'name the new room in FLOORS');
  });

  it('has arrows only downward, and none between rooms on one floor', () => {
    const wrong = arrows.filter(({ from, to }) => {
      const [a, b] = [roomOf(from), roomOf(to)];
      if (a === b || (GROUND.has(a) && GROUND.has(b))) return false;
      return floorOf(b) >= floorOf(a);
    });
    assert.deepEqual(wrong, []);
  });

  it('imports files by the name they have', () => {
    const known = new Set(files);
    assert.deepEqual(
      arrows.filter(({ to }) => !known.has(to) && !to.startsWith(`web${sep}p`)),
      [],
    );
  });

  it('has no circle of imports', () => {
    const targets = Map.groupBy(arrows, ({ from }) => from);
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): string[] | null => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
      if (done.has(file)) return null;
      for (const { to } of targets.get(file) ?? []) {
        const circle = visit(to, [...path, file]);
        if (circle !== null) return circle;
      }
      done.add(file);
      return null;
    };
    // Types may point at each other within a room; a circle between files that run is found by their values.
    const circles = files.map((file) => visit(file, [])).filter((circle) => circle !== null);
    assert.deepEqual(circles, []);
  });

  it('keeps each outside library behind one room', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((target) => BEHIND.some(({ library, rooms }) => library.test(target) && !rooms.includes(roomOf(file))))
        .map((target) => ({ file, target })),
    );
    assert.deepEqual(wrong, []);
  });

  it('reads the environment in one place', () => {
    const readers = files.filter((file) =>
      /process\.env\b/.test(readFileSync(join(SRC, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')),
    );
    assert.deepEqual(
      readers.toSorted((a, b) => a.localeCompare(b)),
      ['demo/demo.ts', 'main.ts', 'worker.ts'],
    );
  });
});
