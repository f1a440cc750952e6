import { usePage } from './page-context.ts';
import { useWatch } from './use-watch.ts';

/** Read by screen readers when they have said what they are saying. Always there: a region that comes with its text is not read. */
export function LiveRegion({ inDialog = false }: { inDialog?: boolean }) {
  const { announcer, toasts } = usePage();
  useWatch(announcer, toasts);
  return (
    <div class="visually-hidden" role="status" aria-live="polite" aria-atomic="true">
      <p key={announcer.count}>{toasts.inDialog === inDialog ? announcer.text : ''}</p>
    </div>
  );
}
