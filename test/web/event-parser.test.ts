import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventParser, type ServerEvent } from '../../src/web/page/api/event-parser.ts';

function parse(chunks: readonly string[]): ServerEvent[] {
  const parser = new EventParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
}

const STREAM =
  'retry: 1000\n\nid: 1\nevent: message.delta\ndata: {"text":"a"}\n\n: ping\n\nid: 2\nevent: turn.completed\ndata: {}\n\n';

test('a stream gives the same events wherever its chunks are cut', () => {
  const whole = parse([STREAM]);
  assert.deepEqual(whole, [
    { id: '1', event: 'message.delta', data: '{"text":"a"}' },
    { id: '2', event: 'turn.completed', data: '{}' },
  ]);
  for (const text of [STREAM, STREAM.replaceAll('\n', '\r\n'), STREAM.replaceAll('\n', '\r')]) {
    for (let cut = 0; cut <= text.length; cut += 1) {
      // A lone CR at the very end could still become CRLF: the event it ends comes with what follows.
      assert.deepEqual(parse([text.slice(0, cut), text.slice(cut), ': end\n']), whole, `cut at ${cut}`);
    }
  }
});

test('several data lines are one text, the id stays until another one comes, the retry time is kept', () => {
  const parser = new EventParser();
  assert.deepEqual(parser.push('\uFEFFretry: 250\nid: 7\ndata: a\ndata:b\n\ndata\n\nevent: nothing\n\n'), [
    { id: '7', event: 'message', data: 'a\nb' },
    { id: '7', event: 'message', data: '' },
  ]);
  assert.equal(parser.retryMs, 250);
});

test('an id with a NUL in it is not an id', () => {
  assert.deepEqual(
    parse(['id: 3\ndata: x\n\nid: 4\0\ndata: y\n\n']).map(({ id }) => id),
    ['3', '3'],
  );
});
