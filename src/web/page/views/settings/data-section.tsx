/** One's data: taken along, or erased. */
import { useState } from 'preact/hooks';
import { Icon } from '../../parts/icon.tsx';
import { usePage } from '../../parts/page-context.ts';
import { useWorkspace } from '../../parts/workspace-context.ts';
import { ImportChat } from './import-chat.tsx';
import { useAction } from './use-action.ts';

export function DataSection({ onDone }: { onDone: () => void }) {
  const { t } = usePage().translator;
  return (
    <>
      <h3>{t('takeAlong')}</h3>
      <p>{t('takeAlongWhy')}</p>
      <a class="button" href="/api/me/export" download="">
        <Icon name="download" />
        {t('exportAll')}
      </a>
      <ImportChat onDone={onDone} />
      <h3>{t('eraseAll')}</h3>
      <p>{t('eraseWhy')}</p>
      <EraseForm />
    </>
  );
}

/** Typing one's own name is no accident. */
function EraseForm() {
  const { api, translator } = usePage();
  const { t } = translator;
  const { me, drafts } = useWorkspace();
  const [typed, setTyped] = useState('');
  const { busy, run } = useAction();
  const sure = typed.trim().toLowerCase() === me.login.toLowerCase();
  const erase = (event: Event) => {
    event.preventDefault();
    if (!sure) return;
    run(async () => {
      await api.eraseMe();
      drafts.clearAll();
      location.assign('/');
    });
  };
  return (
    <form class="stack framed danger-frame" onSubmit={erase}>
      <label class="field">
        <span>{t('typeToErase', { login: me.login })}</span>
        <input
          value={typed}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <div class="row end">
        <button type="submit" class="button danger" disabled={!sure || busy}>
          {t('eraseButton')}
        </button>
      </div>
    </form>
  );
}
