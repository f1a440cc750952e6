/** An answer's Markdown. While it grows, settled blocks keep their very elements: no flicker, and a selection stays. */
import { Component, type VNode } from 'preact';
import { useRef } from 'preact/hooks';
import { type Block, BlockSplitter } from './block-splitter.ts';
import { blockNode } from './blocks.tsx';

export function Markdown({ text, final }: { text: string; final: boolean }) {
  const splitter = useRef<BlockSplitter | null>(null);
  splitter.current ??= new BlockSplitter();
  const nodes = useRef(new WeakMap<Block, VNode>());
  const { settled, tail } = split(splitter.current, text, final);
  return (
    <div class="markdown">
      {[
        ...settled.map((block) => settledNode(nodes.current, block)),
        ...tail.map((block) => blockVNode(block, !final)),
      ]}
    </div>
  );
}

/** The same VNode again is Preact's sign that nothing below it changed. */
function settledNode(nodes: WeakMap<Block, VNode>, block: Block): VNode {
  const known = nodes.get(block);
  if (known !== undefined) return known;
  const made = blockVNode(block, false);
  nodes.set(block, made);
  return made;
}

function blockVNode(block: Block, growing: boolean): VNode {
  return <BlockView key={block.start} block={block} growing={growing} />;
}

interface BlockProps {
  block: Block;
  growing: boolean;
}

class BlockView extends Component<BlockProps> {
  override shouldComponentUpdate(next: Readonly<BlockProps>): boolean {
    return next.block !== this.props.block || next.growing !== this.props.growing;
  }

  override render({ block, growing }: BlockProps) {
    return blockNode(block.token, growing);
  }
}

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
