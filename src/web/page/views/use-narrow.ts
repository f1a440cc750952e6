import { useEffect, useState } from 'preact/hooks';

/** The same width as in `sidebar.css`. */
const NARROW = '(max-width: 48rem)';

/** Whether the list of chats is a drawer. */
export function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const query = matchMedia(NARROW);
    const onChange = () => setNarrow(query.matches);
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, []);
  return narrow;
}
