import { useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.tsx';
import { useText } from '../parts/page-context.ts';

/** As long as the gateway takes. */
const LONGEST = 200;

export function RenameDialog(props: { title: string; onRename: (title: string) => void; onClose: () => void }) {
  const t = useText();
  const [title, setTitle] = useState(props.title);
  const save = (event: Event) => {
    event.preventDefault();
    const trimmed = title.trim();
    if (trimmed !== '' && trimmed !== props.title) props.onRename(trimmed);
    props.onClose();
  };
  return (
    <Dialog title={t('rename')} onClose={props.onClose}>
      <form class="stack" onSubmit={save}>
        <label class="field">
          <span>{t('chatName')}</span>
          <input autoFocus maxLength={LONGEST} value={title} onInput={(event) => setTitle(event.currentTarget.value)} />
        </label>
        <div class="row end">
          <button type="button" class="button" onClick={props.onClose}>
            {t('cancel')}
          </button>
          <button type="submit" class="button primary" disabled={title.trim() === ''}>
            {t('save')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
