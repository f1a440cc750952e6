/** Tokens for one's own programs. */
import { useState } from 'preact/hooks';
import type { ApiToken, NewApiToken } from '../../api/shapes.ts';
import { CopyButton } from '../../parts/copy-button.tsx';
import { usePage } from '../../parts/page-context.ts';
import { ResourceState } from './resource-state.tsx';
import { TokenForm } from './token-form.tsx';
import { useAction } from './use-action.ts';
import { useResource } from './use-resource.ts';

export function TokensSection() {
  const { api, translator } = usePage();
  const { t } = translator;
  const tokens = useResource(api.tokens);
  const [made, setMade] = useState<NewApiToken | null>(null);
  const { busy, run } = useAction();
  return (
    <>
      <p>{t('tokensWhy')}</p>
      {made === null ? (
        <TokenForm
          onMade={(token) => {
            setMade(token);
            tokens.reload();
          }}
        />
      ) : (
        <NewSecret token={made} onDone={() => setMade(null)} />
      )}
      <ResourceState resource={tokens} />
      <ul class="rows">
        {(tokens.value?.items ?? []).map((token) => (
          <TokenRow
            key={token.id}
            token={token}
            busy={busy}
            onDelete={() => run(() => api.deleteToken(token.id).then(tokens.reload))}
          />
        ))}
      </ul>
    </>
  );
}

/** The one time the secret is seen. */
function NewSecret({ token, onDone }: { token: NewApiToken; onDone: () => void }) {
  const { t } = usePage().translator;
  return (
    <section class="secret" aria-label={t('newToken', { name: token.name })}>
      <p>{t('secretOnce')}</p>
      <div class="row">
        <code>{token.token}</code>
        <CopyButton text={() => token.token} label={t('copySecret')} />
      </div>
      <button type="button" class="button small" onClick={onDone}>
        {t('done')}
      </button>
    </section>
  );
}

function TokenRow({ token, busy, onDelete }: { token: ApiToken; busy: boolean; onDelete: () => void }) {
  const { translator } = usePage();
  const { t } = translator;
  const used =
    token.lastUsedAt === null ? t('neverUsed') : t('lastUsed', { time: translator.dateTime(token.lastUsedAt) });
  return (
    <li>
      <div class="row-text">
        <strong>{token.name}</strong>
        <span>{token.scopes.join(' ')}</span>
        <span>
          {t('expires', { date: translator.date(token.expiresAt) })} · {used}
        </span>
      </div>
      <button
        type="button"
        class="button small danger"
        disabled={busy}
        aria-label={t('deleteTokenNamed', { name: token.name })}
        onClick={onDelete}
      >
        {t('delete')}
      </button>
    </li>
  );
}
