import { useEffect, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';
import { usePage } from './page-context.ts';

/** How long it says that it worked, in milliseconds. */
const DONE_MS = 1_800;

/** Copies `text()` and says so, to the eye and to a screen reader. */
export function CopyButton({ text, label, quiet = false }: { text: () => string; label: string; quiet?: boolean }) {
  const { announcer, toasts, translator } = usePage();
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = setTimeout(() => setDone(false), DONE_MS);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setDone(true);
      announcer.say(translator.t('copied'));
    } catch {
      toasts.show(translator.t('copyFailed'), { kind: 'error' });
    }
  };
  return (
    <button type="button" class="button ghost small" onClick={() => void copy()} aria-label={label} title={label}>
      <Icon name={done ? 'check' : 'copy'} />
      {quiet ? null : <span aria-hidden="true">{done ? translator.t('copied') : translator.t('copy')}</span>}
    </button>
  );
}
