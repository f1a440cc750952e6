/** `npm start`. With `worker.ts` the only file that sees the environment. */
import './compile-cache.ts';

// Not before the cache is in use: 1,900 modules come with it.
const { serve } = await import('./serve.ts');
await serve(process.env);
