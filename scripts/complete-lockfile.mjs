// Adds the optional platform packages to package-lock.json that the registry at hand does not offer. npm leaves them out
// when it cannot fetch their manifest, and `npm ci` then refuses the lockfile everywhere. The entries carry version and
// platform only: npm skips those of other platforms, and where they match it fetches them from the registry it knows.
// Run after `npm install --package-lock-only`; plain JavaScript so that any Node runs it.
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = new URL('../package-lock.json', import.meta.url);
const OS = { linuxmusl: 'linux' };
const lock = JSON.parse(readFileSync(FILE, 'utf8'));
const added = [];
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    const [, os, cpu] = /-(darwin|linux|linuxmusl|win32)-(x64|arm64)$/.exec(name) ?? [];
    if (lock.packages[path] !== undefined || os === undefined || !/^\d/.test(version)) continue;
    const libc = os === 'linuxmusl' ? { libc: ['musl'] } : os === 'linux' ? { libc: ['glibc'] } : {};
    lock.packages[path] = { version, cpu: [cpu], ...libc, optional: true, os: [OS[os] ?? os] };
    added.push(name);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'The lockfile is complete.' : `Added: ${added.join(', ')}`);
