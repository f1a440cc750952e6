import { useState } from 'preact/hooks';
import { apiErrorOf } from '../../api/api-error.ts';
import { errorText } from '../../parts/error-text.ts';
import { usePage } from '../../parts/page-context.ts';

/** Runs what a button does, once at a time; what goes wrong is told. */
export function useAction(): { busy: boolean; run: (action: () => Promise<void>) => void } {
  const { toasts, translator } = usePage();
  const [busy, setBusy] = useState(false);
  const run = (action: () => Promise<void>) => {
    setBusy(true);
    action()
      .catch((error: unknown) => {
        const problem = apiErrorOf(error);
        if (problem !== null) toasts.show(errorText(translator, problem), { kind: 'error' });
      })
      .finally(() => setBusy(false));
  };
  return { busy, run };
}
