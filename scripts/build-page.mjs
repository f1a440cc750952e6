/**
 * Builds the page into `src/web/public` and compresses what the server sends. Runs when the project is installed from a
 * clone; plain JavaScript, because that may happen under a Node older than the one the project brings.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const root = fileURLToPath(new URL('../src/web/page', import.meta.url));
const outDir = fileURLToPath(new URL('../src/web/public', import.meta.url));

/** Smaller files do not get smaller, in bytes. */
const WORTH_COMPRESSING = 512;
const COMPRESSIBLE = /\.(?:js|css|html|svg|json)$/;

const vite = await import('vite').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  return null;
});
if (vite === null) {
  console.log('The page is not built: vite is not installed here. `npm ci` with dev dependencies builds it.');
} else {
  await build(vite);
  await compress();
}

async function build({ build: run }) {
  await rm(outDir, { recursive: true, force: true });
  await run({
    root,
    base: '/',
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    // The JSX transform is named here: Vite would take it from the editor's tsconfig, which also serves the type check.
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      // No `data:` URL for small files and no inline polyfill: the policy allows neither.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      sourcemap: false,
      reportCompressedSize: false,
    },
  });
}

async function compress() {
  const entries = await readdir(outDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && COMPRESSIBLE.test(entry.name));
  await Promise.all(files.map((entry) => compressFile(join(entry.parentPath, entry.name))));
}

async function compressFile(path) {
  const bytes = await readFile(path);
  if (bytes.length < WORTH_COMPRESSING) return;
  const best = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } };
  await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, best));
  await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
}
