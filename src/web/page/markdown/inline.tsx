/** What stands inside of a block: emphasis, code, links. Text nodes and elements only, never HTML. */

import type { MarkedToken, Token } from 'marked';
import { type ComponentChildren, h } from 'preact';
import { decodeEntities } from './entities.ts';
import { safeLink } from './safe-link.ts';

/** HTML that models write in Markdown and that means no more than itself. Without attributes; all other HTML is shown as text. */
const TAGS: ReadonlySet<string> = new Set([
  'b',
  'strong',
  'i',
  'em',
  'u',
  's',
  'del',
  'sub',
  'sup',
  'kbd',
  'mark',
  'small',
]);

/** Deeper than anyone nests on purpose; what is deeper is shown as it was written. */
export const DEEPEST = 40;

interface OpenTag {
  readonly tag: string;
  readonly nodes: ComponentChildren[];
}

export function inline(tokens: readonly Token[] | undefined, depth: number): ComponentChildren {
  const open: OpenTag[] = [{ tag: '', nodes: [] }];
  for (const token of tokens ?? []) {
    if (token.type === 'html') takeTag(open, token.raw);
    else open.at(-1)?.nodes.push(inlineNode(token as MarkedToken, depth));
  }
  while (open.length > 1) closeTag(open);
  return open[0]?.nodes;
}

function takeTag(open: OpenTag[], raw: string): void {
  const [, slash, name = ''] = /^<(\/?)([a-z]+)\s*\/?>$/i.exec(raw) ?? [];
  const tag = name.toLowerCase();
  const top = open.at(-1);
  if (tag === 'br') top?.nodes.push(<br />);
  else if (TAGS.has(tag) && slash === '' && open.length < DEEPEST) open.push({ tag, nodes: [] });
  else if (slash === '/' && top?.tag === tag && open.length > 1) closeTag(open);
  else top?.nodes.push(raw);
}

function closeTag(open: OpenTag[]): void {
  const closed = open.pop();
  if (closed !== undefined) open.at(-1)?.nodes.push(h(closed.tag, null, closed.nodes));
}

function inlineNode(token: MarkedToken, depth: number): ComponentChildren {
  if (depth > DEEPEST) return token.raw;
  switch (token.type) {
    case 'strong':
      return <strong>{inline(token.tokens, depth + 1)}</strong>;
    case 'em':
      return <em>{inline(token.tokens, depth + 1)}</em>;
    case 'del':
      return <del>{inline(token.tokens, depth + 1)}</del>;
    case 'codespan':
      return <code>{token.text}</code>;
    case 'br':
      return <br />;
    case 'link':
      return <Link href={token.href}>{inline(token.tokens, depth + 1)}</Link>;
    case 'image':
      // An image from elsewhere would tell that server who reads this and when. The reader may follow the link.
      return <Link href={token.href}>{decodeEntities(token.text === '' ? token.href : token.text)}</Link>;
    case 'escape':
      return token.text;
    case 'text':
      return token.tokens === undefined ? decodeEntities(token.text) : inline(token.tokens, depth + 1);
    case 'checkbox':
      return <Checkbox checked={token.checked} />;
    default:
      return decodeEntities(token.raw);
  }
}

function Link({ href, children }: { href: string; children: ComponentChildren }) {
  const target = safeLink(href);
  if (target === null) return <span class="dead-link">{children}</span>;
  return (
    <a href={target} target="_blank" rel="noopener noreferrer nofollow ugc">
      {children}
    </a>
  );
}

export function Checkbox({ checked }: { checked: boolean }) {
  return (
    <span class="checkbox" role="img" aria-label={checked ? '✓' : '–'}>
      {checked ? '☑' : '☐'}
    </span>
  );
}
