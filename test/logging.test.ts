/** What a log line may not show. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger } from '../src/logging.ts';

function logged(secrets: string[], ...lines: [object, string][]): string {
  const out: string[] = [];
  const logger = createLogger({ level: 'trace', secrets, destination: { write: (line) => void out.push(line) } });
  for (const [details, message] of lines) logger.info(details, message);
  return out.join('');
}

describe('The log', () => {
  it('masks what looks like a token, wherever it stands', () => {
    const token = `gho_${'a1B2'.repeat(9)}`;
    const jwt = `eyJhbGciOiJFZERTQSJ9.${'eyJzdWIiOiIxIn0'}.c2lnbmF0dXJl`;
    const text = logged([], [{ err: new Error(`GitHub refused ${token}`), nested: { deep: jwt } }, `sent ${token}`]);
    assert.ok(!text.includes(token) && !text.includes(jwt), text);
    assert.match(text, /\[token\]/);
  });

  it('masks configured secrets in every spelling', () => {
    const text = logged(
      ['p%40ss%22word', 'quote"back\\slash'],
      [{ url: 'postgres://u:p%40ss%22word@db', decoded: 'p@ss"word' }, 'quote"back\\slash'],
    );
    assert.doesNotMatch(text, /p%40ss|p@ss|back/);
  });

  it('masks credentials in headers', () => {
    const text = logged([], [{ headers: { authorization: 'Bearer abc', cookie: 'sid=abc' } }, 'asked']);
    assert.doesNotMatch(text, /abc/);
  });
});
