import { errorText } from '../../parts/error-text.ts';
import { usePage } from '../../parts/page-context.ts';
import type { Resource } from './use-resource.ts';

/** Shown until something was read, or why it could not be. */
export function ResourceState({ resource }: { resource: Resource<unknown> }) {
  const { translator } = usePage();
  const { t } = translator;
  if (resource.value !== null) return null;
  if (resource.error === null) return <p class="progress">{t('loading')}</p>;
  return (
    <p class="note bad">
      {errorText(translator, resource.error)}
      <button type="button" class="button small" onClick={resource.reload}>
        {t('tryAgain')}
      </button>
    </p>
  );
}
