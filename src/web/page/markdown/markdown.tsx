/** An answer's Markdown. While it grows, settled blocks keep their very elements: no flicker, and a selection stays. */
import type { VNode } from 'preact';
import { useRef } from 'preact/hooks';
import { pure } from '../parts/pure.tsx';
import { type Block, BlockSplitter } from './block-splitter.ts';
import { blockNode } from './blocks.tsx';
import { headingLevels } from './heading-levels.ts';

export function Markdown({ text, final }: { text: string; final: boolean }) {
  const splitter = useRef<BlockSplitter | null>(null);
  splitter.current ??= new BlockSplitter();
  const nodes = useRef(new WeakMap<Block, VNode>());
  const { settled, tail } = split(splitter.current, text, final);
  const levels = headingLevels([...settled, ...tail]);
  const view = (block: Block, growing: boolean) => (
    <BlockView key={block.start} block={block} growing={growing} level={levels.get(block.start) ?? null} />
  );
  /** The same VNode again is Preact's sign that nothing below it changed. */
  const settledView = (block: Block): VNode => {
    const known = nodes.current.get(block);
    if (known !== undefined) return known;
    const made = view(block, false);
    nodes.current.set(block, made);
    return made;
  };
  return <div class="markdown">{[...settled.map(settledView), ...tail.map((block) => view(block, !final))]}</div>;
}

interface BlockProps {
  block: Block;
  growing: boolean;
  level: number | null;
}

const BlockView = pure<BlockProps>(({ block, growing, level }) => blockNode(block.token, growing, level), 'BlockView');

/** Text that the parser breaks over (nesting without end) is shown as text. */
function split(splitter: BlockSplitter, text: string, final: boolean): ReturnType<BlockSplitter['split']> {
  try {
    return splitter.split(text, final);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const token = { type: 'paragraph', raw: text, text, tokens: [{ type: 'escape', raw: text, text }] };
    return { settled: [], tail: [{ start: -1, token }] };
  }
}
