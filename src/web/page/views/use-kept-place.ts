/** When older messages come in above, what is being read stays where it is. */
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Conversation } from '../model/conversation.ts';

interface Anchor {
  readonly element: Element;
  readonly top: number;
}

export function useKeptPlace(
  conversation: Conversation,
  box: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
): void {
  const first = conversation.groups[0]?.key;
  const shown = useRef(first);
  const anchor = useRef<Anchor | null>(null);
  // Runs when the change is known and before it is drawn: Preact draws in a later task.
  useLayoutEffect(
    () =>
      conversation.subscribe(() => {
        const next = conversation.groups[0]?.key;
        if (anchor.current === null && shown.current !== undefined && next !== shown.current) {
          anchor.current = firstVisible(box.current, content.current);
        }
      }),
    [conversation, box, content],
  );
  useLayoutEffect(() => {
    shown.current = first;
    const kept = anchor.current;
    anchor.current = null;
    if (kept === null || box.current === null || !kept.element.isConnected) return;
    box.current.scrollTop += kept.element.getBoundingClientRect().top - kept.top;
  }, [first, box]);
}

function firstVisible(box: HTMLElement | null, content: HTMLElement | null): Anchor | null {
  if (box === null || content === null) return null;
  const edge = box.getBoundingClientRect().top;
  // By stretches first: to measure inside of one that is out of sight would lay it out.
  const stretch = firstBelow(content.querySelector('.turns')?.children ?? [], edge)?.element;
  return stretch === undefined ? null : firstBelow(stretch.children, edge);
}

function firstBelow(elements: Iterable<Element>, edge: number): Anchor | null {
  for (const element of elements) {
    const { top, bottom } = element.getBoundingClientRect();
    if (bottom > edge) return { element, top };
  }
  return null;
}
