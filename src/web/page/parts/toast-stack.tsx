import type { Toast } from '../model/toasts.ts';
import { Icon } from './icon.tsx';
import { usePage, useText } from './page-context.ts';
import { useWatch } from './use-watch.ts';

/** @param inDialog behind an open dialog nothing can be seen, heard or pressed: it has a stack of its own */
export function ToastStack({ inDialog = false }: { inDialog?: boolean }) {
  const { toasts } = usePage();
  const t = useText();
  useWatch(toasts);
  return (
    <section class="toasts" role="status" aria-live="polite" aria-label={t('notices')}>
      {toasts.inDialog === inDialog ? toasts.items.map((toast) => <ToastCard key={toast.id} toast={toast} />) : null}
    </section>
  );
}

function ToastCard({ toast }: { toast: Toast }) {
  const { toasts } = usePage();
  const t = useText();
  const { action } = toast;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: pointing at it only keeps it from going away
    <div
      class={`toast ${toast.kind}`}
      onMouseEnter={() => toasts.hold(toast.id)}
      onMouseLeave={() => toasts.resume(toast.id)}
      onFocusIn={(event) => {
        // Keyboard focus keeps it; focus that a click gave does not, or it would stay for ever.
        if ((event.target as HTMLElement).matches(':focus-visible')) toasts.hold(toast.id);
      }}
      onFocusOut={() => toasts.resume(toast.id)}
    >
      <span>{toast.text}</span>
      {action === null ? null : (
        <button type="button" class="button small accent-text" data-autofocus="" onClick={() => toasts.act(toast.id)}>
          {action.label}
        </button>
      )}
      <button
        type="button"
        class="button ghost square small"
        aria-label={t('dismiss')}
        onClick={() => toasts.dismiss(toast.id)}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
