/** What one can do about an error, besides trying again. */
import { signInPath } from '../model/router.ts';
import { Icon } from '../parts/icon.tsx';
import { useText } from '../parts/page-context.ts';
import { useOpenSettings, useWorkspace } from '../parts/workspace-context.ts';

const SIGN_IN: ReadonlySet<string> = new Set(['reauth_required', 'unauthenticated']);

/** Trying again cannot help before the person has been elsewhere. */
export function leadsAway(code: string | undefined): boolean {
  return code !== undefined && SIGN_IN.has(code);
}

export function WayOn({ code }: { code: string | undefined }) {
  const t = useText();
  const workspace = useWorkspace();
  const openSettings = useOpenSettings();
  if (leadsAway(code))
    return (
      <a class="button small" href={signInPath()}>
        {t('signInAgain')}
      </a>
    );
  if (code === 'quota_exceeded')
    return (
      <button type="button" class="button small" onClick={() => openSettings('usage')}>
        {t('seeUsage')}
      </button>
    );
  if (code === 'context_too_long')
    return (
      <button type="button" class="button small" onClick={() => workspace.open(null)}>
        <Icon name="plus" />
        {t('newChat')}
      </button>
    );
  return null;
}
