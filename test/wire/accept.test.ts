import assert from 'node:assert/strict';
import { it } from 'node:test';
import { prefersEventStream } from '../../src/wire/accept.ts';

const CASES: Readonly<Record<string, boolean>> = {
  '': false,
  '*/*': false,
  'text/*': false,
  'application/json': false,
  'text/event-stream': true,
  'TEXT/EVENT-STREAM': true,
  'text/event-stream;q=0': false,
  'text/event-stream; charset=utf-8; q=0.5': true,
  'application/json, text/event-stream': true,
  'application/json;q=0.9, text/event-stream': true,
  'application/json, text/event-stream;q=0.1': false,
  '*/*, text/event-stream;q=0.9': false,
  'text/event-stream, */*;q=0.1': true,
  'text/event-stream, */*': false,
  'application/*;q=0.2, */*, text/event-stream;q=0.5': true,
  'application/json;q=0, */*, text/event-stream;q=0.5': true,
};

for (const [accept, streams] of Object.entries(CASES)) {
  it(`"${accept}" gets ${streams ? 'the events' : 'JSON'}`, () => assert.equal(prefersEventStream(accept), streams));
}
it('no Accept at all gets JSON', () => assert.equal(prefersEventStream(undefined), false));
