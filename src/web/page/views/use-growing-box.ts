import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

/** Lets a text box grow with its text where the browser cannot do so by itself (`field-sizing`: not in Firefox 140). */
export function useGrowingBox(box: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || CSS.supports('field-sizing', 'content')) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [box, text]);
}
