/** The end of a list that goes on: reads on when it comes near the visible part; a button for those who do not scroll. */
import { useEffect, useRef } from 'preact/hooks';

interface MoreProps {
  label: string;
  /** How many are shown: with each page the end is looked at anew. */
  shown: number;
  readMore: () => void;
}

export function MoreButton({ label, shown, readMore }: MoreProps) {
  const button = useRef<HTMLButtonElement>(null);
  const read = useRef(readMore);
  read.current = readMore;
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) read.current();
      },
      { rootMargin: '400px' },
    );
    if (button.current !== null) observer.observe(button.current);
    return () => observer.disconnect();
  }, [shown]);
  return (
    <button ref={button} type="button" class="button ghost small" onClick={readMore}>
      {label}
    </button>
  );
}
