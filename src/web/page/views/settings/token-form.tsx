import { useState } from 'preact/hooks';
import type { NewApiToken } from '../../api/shapes.ts';
import type { TextKey } from '../../i18n/translator.ts';
import { usePage } from '../../parts/page-context.ts';
import { useAction } from './use-action.ts';

const SCOPES: readonly (readonly [string, TextKey])[] = [
  ['chats:read', 'scope.chatsRead'],
  ['chats:write', 'scope.chatsWrite'],
  ['account:read', 'scope.accountRead'],
];
const DAYS = [7, 30, 90, 365] as const;

export function TokenForm({ onMade }: { onMade: (token: NewApiToken) => void }) {
  const { api, translator } = usePage();
  const { t } = translator;
  const [name, setName] = useState('');
  const [days, setDays] = useState<number>(30);
  const [scopes, setScopes] = useState<readonly string[]>(['chats:read', 'chats:write']);
  const { busy, run } = useAction();
  const submit = (event: Event) => {
    event.preventDefault();
    const asked = { name: name.trim(), expiresInDays: days, scopes: [...scopes] };
    run(() => api.createToken(asked).then(onMade));
  };
  return (
    <form class="stack framed" onSubmit={submit}>
      <div class="row wrap">
        <label class="field grow">
          <span>{t('tokenName')}</span>
          <input value={name} maxLength={100} required onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>{t('validFor')}</span>
          <select value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
            {DAYS.map((count) => (
              <option key={count} value={count}>
                {t('days', { count })}
              </option>
            ))}
          </select>
        </label>
      </div>
      <fieldset>
        <legend>{t('mayDo')}</legend>
        {SCOPES.map(([scope, label]) => (
          <label key={scope} class="check">
            <input
              type="checkbox"
              checked={scopes.includes(scope)}
              onChange={(event) =>
                setScopes(event.currentTarget.checked ? [...scopes, scope] : scopes.filter((other) => other !== scope))
              }
            />
            <span>{t(label)}</span>
          </label>
        ))}
      </fieldset>
      <div class="row end">
        <button type="submit" class="button primary" disabled={busy || name.trim() === '' || scopes.length === 0}>
          {t('createToken')}
        </button>
      </div>
    </form>
  );
}
