// Runs before every script, on whatever Node the machine has: says plainly what is missing instead of
// letting an old Node stop at ERR_UNKNOWN_FILE_EXTENSION. Plain JavaScript on purpose.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 17)) {
  console.error(
    `Pilothouse needs Node 24.17 or newer; this is ${process.versions.node} (${process.platform}-${process.arch}).\n` +
      'On linux-x64 and linux-arm64 `npm ci` brings its own Node 24: run it without --omit=optional, then use the npm scripts.\n' +
      'Elsewhere install Node 24 LTS from https://nodejs.org first.',
  );
  process.exit(1);
}
