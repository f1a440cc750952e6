import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDirectives } from '../../src/demo/directives.ts';
import { answerTo } from '../../src/demo/model-answers.ts';

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const textOf = (messages: unknown[], lively = false) => answerTo(messages, lively).deltas.join('');

test('a prompt without directives orders nothing', () => {
  assert.deepEqual(parseDirectives('hello [[there]] [1] ]]'), { tools: [] });
});

test('every directive is read, wherever it stands', () => {
  const found = parseDirectives(
    'a [[pace:5]] b [[first:7]][[tokens:3]] [[think:so]] [[fault:429 retry-after=2 times=1 code=x]] c',
  );
  assert.deepEqual(found, {
    tools: [],
    paceMs: 5,
    firstMs: 7,
    tokens: 3,
    think: 'so',
    fault: { kind: 429, retryAfter: 2, times: 1, code: 'x' },
  });
});

test('literal text keeps its line breaks, brackets and backslashes', () => {
  assert.equal(parseDirectives('[[say:a\\nb \\]] c \\\\ ] [[d]]').say, 'a\nb ]] c \\ ] [[d');
});

test('arguments of a tool may hold brackets of their own, and several tools may be asked for', () => {
  assert.deepEqual(parseDirectives('[[tool:find {"at":[[1,2]]}]][[tool:now]]').tools, [
    { name: 'find', arguments: '{"at":[[1,2]]}' },
    { name: 'now', arguments: '{}' },
  ]);
});

for (const slip of ['[[tokens:many]]', '[[fault:frobnicate]]', '[[fault:cut after]]', '[[say:no end', '[[tool:x {]]'])
  test(`a slip is told: ${slip}`, () => {
    assert.throws(() => parseDirectives(slip));
  });

test('the answer repeats the prompt and counts the messages of the conversation', () => {
  const answer = textOf([user('one'), assistant('…'), user('two')]);
  assert.match(answer, /^You said: two/);
  assert.match(answer, /\(message 2 of this conversation\)$/);
});

test('what the runtime adds to a prompt is not part of it', () => {
  const prompt =
    '<current_datetime>2026-01-01T00:00:00Z</current_datetime>\n\nhi\n\n<system_reminder>x</system_reminder>';
  assert.match(textOf([user(prompt)]), /^You said: hi\n/);
});

test('asked what was said before, it lists the earlier prompts', () => {
  const answer = textOf([user('my cat is Tom'), assistant('…'), user('what did I say before?')]);
  assert.match(answer, /1\. my cat is Tom/);
});

test('images are counted and their file names left out', () => {
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } };
  const answer = textOf([user([{ type: 'text', text: 'look' }, { type: 'text', text: 'a.png' }, image])]);
  assert.match(answer, /^You said: look\n\nI can see 1 image\./);
});

test('a tool is asked for once, then its result is told', () => {
  const asked = user('[[tool:now]]');
  assert.equal(answerTo([asked], false).tools.length, 1);
  const after = answerTo([asked, assistant(''), { role: 'tool', tool_call_id: 'x', content: 'noon' }], false);
  assert.equal(after.tools.length, 0);
  assert.match(after.deltas.join(''), /The tool answered: noon/);
});

test('an answer that was cut by its length goes on where it stopped', () => {
  const messages = [
    user('[[fault:length]][[tokens:4]]'),
    assistant('w1 w2'),
    user('Please continue from where you left off.'),
  ];
  assert.equal(textOf(messages), 'w3 w4');
});

test('for people an answer carries Markdown, a table and code', () => {
  const answer = textOf([user('good morning')], true);
  assert.match(answer, /\| What \| How much \|/);
  assert.match(answer, /```ts\n/);
});
