import { readdirSync, readFileSync } from 'node:fs';

/** Live runtime processes below a gateway's data directory, by what their environment says. Linux only. */
export function runtimesOf(dataDir: string): { pid: number; env: Record<string, string> }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), env: environmentOf(Number(name)) }))
    .filter(({ env }) => env.HOME?.startsWith(dataDir) && env.COPILOT_HOME !== undefined);
}

/** Environment of a process; empty when it is gone. */
function environmentOf(pid: number): Record<string, string> {
  try {
    const lines = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  } catch {
    return {}; // it ended while we looked
  }
}
