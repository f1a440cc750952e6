/** Keeps the end in sight while an answer grows, until the reader scrolls away; then leaves them alone. */
import type { RefObject } from 'preact';
import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** This near to the end counts as the end, in pixels. */
const NEAR = 64;

export function useEndScroll(box: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>) {
  const [atEnd, setAtEnd] = useState(true);
  const stuck = useRef(true);
  const toEnd = useCallback(() => {
    stuck.current = true;
    setAtEnd(true);
    const element = box.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  }, [box]);
  const leaveEnd = useCallback(() => {
    stuck.current = false;
    setAtEnd(false);
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || content.current === null) return undefined;
    const tell = (value: boolean) => {
      stuck.current = value;
      setAtEnd(value);
    };
    let lastTop = element.scrollTop;
    const onScroll = () => {
      const left = element.scrollHeight - element.scrollTop - element.clientHeight;
      const up = element.scrollTop < lastTop - 1;
      lastTop = element.scrollTop;
      if (left <= NEAR) tell(true);
      // What grows below is no scrolling: only a move up takes the reader away from the end.
      else if (up) tell(false);
    };
    const follow = () => {
      if (stuck.current) element.scrollTop = element.scrollHeight;
      // Layout moves too, when content above gets smaller: it has come to rest here, before its scroll event is told.
      lastTop = element.scrollTop;
    };
    const observer = new ResizeObserver(follow);
    observer.observe(content.current);
    observer.observe(element);
    element.addEventListener('scroll', onScroll, { passive: true });
    follow();
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', onScroll);
    };
  }, [box, content]);
  return { atEnd, toEnd, leaveEnd };
}
