import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CompletionLoad } from '../../src/openai/completion-load.ts';

it('all who drain are told when what ran is over', { timeout: 5_000 }, async () => {
  const load = new CompletionLoad({ allowance: { enter: async () => () => undefined } });
  const place = await load.enter('1');
  const drains = [load.drain(60_000), load.drain(60_000)];
  await assert.rejects(load.enter('1'), { code: 'shutting_down' });
  place.leave();
  await Promise.all(drains);
});
