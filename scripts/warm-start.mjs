// `npm ci` runs it: compiles what a gateway and a worker load, so that their first start is as fast as every other.
import { flushCompileCache } from 'node:module';

try {
  await import('../src/compile-cache.ts');
  await import('../src/serve.ts');
  await import('../src/work.ts');
  flushCompileCache();
} catch (error) {
  // A start does without; an older Node is told of where it matters (scripts/check-node.mjs).
  console.error(`Starts will be slower: ${error instanceof Error ? error.message : error}`);
}
