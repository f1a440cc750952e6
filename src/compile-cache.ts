/**
 * From its import on, modules come as they were compiled before, types stripped: a start takes half the time.
 * `npm ci` fills the cache (`scripts/warm-start.mjs`). It lies beside the dependencies, and is as safe as they are from whoever may not write there.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/compiled'));
