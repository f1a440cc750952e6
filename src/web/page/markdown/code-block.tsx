/** A block of code: named, copied with one press, coloured when its grammar is here. */
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { CopyButton } from '../parts/copy-button.tsx';
import { usePage, useText } from '../parts/page-context.ts';
import { useWatch } from '../parts/use-watch.ts';
import type { CodeNode } from './code-nodes.ts';
import type { LazyHighlighter } from './lazy-highlighter.ts';

/** While code grows it is coloured anew only when that takes less than this part of the time since the last. */
const SHARE = 1 / 12;

export function CodeBlock({ code, language, growing }: { code: string; language: string; growing: boolean }) {
  const t = useText();
  const { highlighter } = usePage();
  useWatch(highlighter);
  useEffect(() => {
    highlighter.want(language);
  }, [highlighter, language]);
  const Code = growing ? GrowingCode : WholeCode;
  return (
    <figure class="code">
      <figcaption>
        <span>{language === '' ? t('code') : language}</span>
        <CopyButton text={() => code} label={t('copyCode')} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section tabIndex={0} aria-label={t('codeIn', { language: language === '' ? t('code') : language })}>
        <pre>
          <code>
            <Code code={code} language={language} highlighter={highlighter} ready={highlighter.has(language)} />
          </code>
        </pre>
      </section>
    </figure>
  );
}

interface CodeProps {
  code: string;
  language: string;
  highlighter: LazyHighlighter;
  /** Its grammar is here. */
  ready: boolean;
}

function WholeCode({ code, language, highlighter, ready }: CodeProps) {
  const nodes = useMemo(
    () => (ready ? highlighter.highlight(code, language) : null),
    [code, language, highlighter, ready],
  );
  return <>{nodes === null ? code : nodes.map(codeNode)}</>;
}

/** Whole lines are coloured now and then, what came since stands plain behind them: the cost stays small at any length. */
function GrowingCode({ code, language, highlighter, ready }: CodeProps) {
  const last = useRef<{ code: string; nodes: ComponentChildren; at: number; cost: number }>({
    code: '',
    nodes: null,
    at: 0,
    cost: 0,
  });
  const now = performance.now();
  const { at, cost, code: done } = last.current;
  const lines = code.slice(0, code.lastIndexOf('\n') + 1);
  const due = !code.startsWith(done) || (lines.length > done.length && cost < (now - at) * SHARE);
  if (ready && due) {
    const nodes = highlighter.highlight(lines, language);
    if (nodes === null) return <>{code}</>;
    last.current = { code: lines, nodes: nodes.map(codeNode), at: now, cost: performance.now() - now };
  }
  return (
    <>
      {last.current.nodes}
      {code.slice(last.current.code.length)}
    </>
  );
}

function codeNode(node: CodeNode): ComponentChildren {
  return typeof node === 'string' ? node : <span class={`hl-${node.scope}`}>{node.children.map(codeNode)}</span>;
}
