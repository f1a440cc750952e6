/** Blocks of an answer as elements. */

import type { MarkedToken, Token, Tokens } from 'marked';
import { type ComponentChildren, h } from 'preact';
import { useText } from '../parts/page-context.ts';
import { CodeBlock } from './code-block.tsx';
import { DEEPEST, inline } from './inline.tsx';

/**
 * @param growing its end is still open
 * @param level of a heading in the outline; without one it only looks like a heading
 */
export function blockNode(token: Token, growing: boolean, level: number | null, depth = 0): ComponentChildren {
  const block = token as MarkedToken;
  if (depth > DEEPEST) return <p>{block.raw}</p>;
  switch (block.type) {
    case 'heading':
      return h(level === null ? 'p' : `h${level}`, { class: `level-${block.depth}` }, inline(block.tokens, depth));
    case 'paragraph':
      return <p>{inline(block.tokens, depth)}</p>;
    case 'text':
      return block.tokens === undefined ? block.text : inline(block.tokens, depth);
    case 'code':
      return <CodeBlock code={block.text} language={languageOf(block)} growing={growing && !isClosed(block.raw)} />;
    case 'blockquote':
      return <blockquote>{childBlocks(block.tokens, growing, depth)}</blockquote>;
    case 'list':
      return <List list={block} growing={growing} depth={depth} />;
    case 'table':
      return <Table table={block} />;
    case 'hr':
      return <hr />;
    case 'space':
    case 'def':
      return null;
    case 'html':
      return isComment(block.raw) ? null : <p class="literal">{block.raw.trimEnd()}</p>;
    default:
      return inline([block], depth);
  }
}

function childBlocks(tokens: readonly Token[], growing: boolean, depth: number): ComponentChildren {
  return tokens.map((token, index) => blockNode(token, growing && index === tokens.length - 1, null, depth + 1));
}

function List({ list, growing, depth }: { list: Tokens.List; growing: boolean; depth: number }) {
  const items = list.items.map((item, index) => (
    <li key={index} class={item.task ? 'task' : undefined}>
      {childBlocks(item.tokens, growing && index === list.items.length - 1, depth)}
    </li>
  ));
  if (!list.ordered) return <ul>{items}</ul>;
  return <ol start={list.start === '' ? 1 : list.start}>{items}</ol>;
}

function Table({ table }: { table: Tokens.Table }) {
  const t = useText();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="table" tabIndex={0} aria-label={t('table')}>
      <table>
        <thead>
          <tr>
            {table.header.map((cell, index) => (
              <th key={index} scope="col" class={cell.align ?? undefined}>
                {inline(cell.tokens, 0)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, line) => (
            <tr key={line}>
              {row.map((cell, index) => (
                <td key={index} class={cell.align ?? undefined}>
                  {inline(cell.tokens, 0)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The first word after the fence, as grammars know it. */
function languageOf(block: Tokens.Code): string {
  return /^[\w+#.-]{1,30}/.exec(block.lang ?? '')?.[0].toLowerCase() ?? '';
}

/** Whether the fence has its end: what comes now belongs to another block. */
function isClosed(raw: string): boolean {
  const fence = /^ {0,3}(`{3,}|~{3,})/.exec(raw)?.[1];
  return fence !== undefined && new RegExp(`\\n {0,3}${fence[0]}{${fence.length},}[ \\t]*\\n?$`).test(raw);
}

function isComment(raw: string): boolean {
  return /^<!--[\s\S]*-->\s*$/.test(raw);
}
