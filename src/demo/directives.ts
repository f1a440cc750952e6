import { type Fault, parseFault } from './faults.ts';

/*
 * Words in the last user message that steer the stand-in's model from outside, through any number of processes:
 *
 *   [[say:literal text]]           answers exactly that; \n, \t, \\ and \] are escapes
 *   [[think:text]]                 reasons so before it answers
 *   [[tokens:N]]                   N deltas: "w1 w2 … wN"
 *   [[pace:ms]]                    milliseconds between deltas
 *   [[first:ms]]                   milliseconds before the first delta
 *   [[tool:name {"json":1}]]       asks for that tool call; several are asked for at once
 *   [[fault:429 retry-after=2]]    refuses with that status, 400 to 599; code=… sets its error code
 *   [[fault:cut after=K]]          destroys the socket after K deltas; also stall and error
 *   [[fault:hang]]                 headers, then nothing
 *   [[fault:content_filter]]       half an answer with that finish reason; also length
 *   times=N                        on any fault: only the first N attempts of the same request fail
 *
 * A directive it cannot read is refused with 400, so that a slip is noticed.
 */

/** A tool call that the model shall ask for. */
export interface ToolRequest {
  name: string;
  /** Arguments as JSON text. */
  arguments: string;
}

/** What the last user message orders. */
export interface Directives {
  say?: string;
  think?: string;
  tokens?: number;
  paceMs?: number;
  firstMs?: number;
  fault?: Fault;
  tools: ToolRequest[];
}

/**
 * Reads the directives of a user message.
 * @throws Error at a malformed one
 */
export function parseDirectives(text: string): Directives {
  const found: Directives = { tools: [] };
  const opening = /\[\[(say|think|tokens|pace|first|fault|tool):/g;
  for (let match = opening.exec(text); match; match = opening.exec(text)) {
    const name = match[1] ?? '';
    const value = name === 'tool' ? readTool(text, opening.lastIndex) : readPlain(text, opening.lastIndex);
    opening.lastIndex = value.end;
    apply(found, name, value.text);
  }
  return found;
}

/** Up to the first `]]` whose brackets are not escaped. */
function readPlain(text: string, start: number): { text: string; end: number } {
  const match = /^((?:\\.|(?!\]\])[^\\])*)\]\]/s.exec(text.slice(start));
  if (!match) throw new Error(`A directive has no end: ${text.slice(start, start + 40)}`);
  return { text: match[1] ?? '', end: start + match[0].length };
}

/** Up to the first `]]` that leaves whole JSON before it, since arrays in arrays end with the same two brackets. */
function readTool(text: string, start: number): { text: string; end: number } {
  for (let at = text.indexOf(']]', start); at !== -1; at = text.indexOf(']]', at + 1)) {
    const inside = text.slice(start, at);
    if (isJson(inside.replace(/^\s*\S+\s*/, '') || '{}')) return { text: inside, end: at + 2 };
  }
  throw new Error('A tool directive has no end or its arguments are not JSON');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // not the end yet: the caller looks further
  }
}

function apply(found: Directives, name: string, value: string): void {
  if (name === 'say') found.say = withoutEscapes(value);
  else if (name === 'think') found.think = withoutEscapes(value);
  else if (name === 'tokens') found.tokens = readCount(value);
  else if (name === 'pace') found.paceMs = readCount(value);
  else if (name === 'first') found.firstMs = readCount(value);
  else if (name === 'fault') found.fault = parseFault(value);
  else found.tools.push(readToolRequest(value));
}

function readToolRequest(value: string): ToolRequest {
  const [, name = '', json = ''] = /^\s*(\S+)\s*(.*)$/s.exec(value) ?? [];
  return { name, arguments: json.trim() || '{}' };
}

function readCount(value: string): number {
  if (!/^\s*\d{1,9}\s*$/.test(value)) throw new Error(`Not a count: ${value}`);
  return Number(value);
}

function withoutEscapes(text: string): string {
  return text.replace(/\\(.)/gs, (_, character: string) =>
    character === 'n' ? '\n' : character === 't' ? '\t' : character,
  );
}
