import { usePage } from './page-context.ts';
import { useWatch } from './use-watch.ts';

/** Read by screen readers when they have said what they are saying. Always there: a region that comes with its text is not read. */
export function LiveRegion() {
  const { announcer } = usePage();
  useWatch(announcer);
  return (
    <div class="visually-hidden" role="status" aria-live="polite" aria-atomic="true">
      <p key={announcer.count}>{announcer.text}</p>
    </div>
  );
}
