/** `npm run worker`. With `main.ts` the only file that sees the environment. */
import './compile-cache.ts';

// Not before the cache is in use.
const { work } = await import('./work.ts');
await work(process.env);
