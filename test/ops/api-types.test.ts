/** Types made of the document are good for a client: right use compiles, wrong use does not. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { apiTypes } from '../../scripts/api-types.ts';
import type { ApiDocument } from '../../src/ops/api-types.ts';
import { startTestGateway } from '../support/gateway.ts';

const CLIENT = `
import type { Chat, Operations, Problem } from './api.ts';
declare function call<Name extends keyof Operations>(name: Name, body: Operations[Name]['body']): Promise<Operations[Name]['answers']>;
const made: Chat = (await call('createChat', { title: 'Plans' }))[201];
const answered = (await call('sendMessage', { content: 'hello', delivery: 'queue' }))[202];
const status: 'queued' | 'running' | 'completed' | 'failed' | 'cancelled' | 'interrupted' =
  typeof answered === 'string' ? 'queued' : answered.turn.status;
const refusal: Problem = (await call('getMe', undefined))[401];
const code: 'unauthenticated' = (await call('getMe', undefined))[401].code;
// @ts-expect-error a field that there is not
await call('createChat', { titel: 'Plans' });
// @ts-expect-error a message without content
await call('sendMessage', {});
// @ts-expect-error a code that this route does not answer
const other: 'turn_running' = (await call('getMe', undefined))[401].code;
export { code, made, other, refusal, status };
`;

it('types made of the document compile, and refuse wrong use', { timeout: 120_000 }, async () => {
  const gateway = await startTestGateway();
  const directory = await mkdtemp(join(tmpdir(), 'pilothouse-types-'));
  try {
    const { body } = await gateway.browser().call<ApiDocument>('GET', '/openapi.json');
    await writeFile(join(directory, 'api.ts'), apiTypes(body));
    await writeFile(join(directory, 'client.ts'), CLIENT);
    const compiler = join(import.meta.dirname, '..', '..', 'node_modules', 'typescript', 'bin', 'tsc');
    const options = '--noEmit --strict --target esnext --module nodenext --allowImportingTsExtensions --types'.split(
      ' ',
    );
    await writeFile(join(directory, 'package.json'), '{"type":"module"}');
    const { code, text } = await run([compiler, ...options, '', 'client.ts'], directory);
    assert.deepEqual({ code, text }, { code: 0, text: '' });
  } finally {
    await gateway.close();
    await rm(directory, { recursive: true });
  }
});

function run(command: string[], cwd: string): Promise<{ code: unknown; text: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd, timeout: 60_000 }, (error, stdout) =>
      resolve({ code: error?.code ?? 0, text: stdout }),
    );
  });
}
