/** A chat from a file that was downloaded as JSON. */
import { useRef, useState } from 'preact/hooks';
import { apiErrorOf } from '../../api/api-error.ts';
import type { ChatView } from '../../api/shapes.ts';
import type { TextKey } from '../../i18n/translator.ts';
import type { Workspace } from '../../model/workspace.ts';
import { Icon } from '../../parts/icon.tsx';
import { usePage } from '../../parts/page-context.ts';
import { useWorkspace } from '../../parts/workspace-context.ts';
import { useAction } from './use-action.ts';

/** The gateway takes no larger body, and may hang up on one before it has heard it out. Bytes. */
const LARGEST = 1_048_576;

/** What the gateway says of a file, in the words of somebody who chose one. */
const REFUSALS: Readonly<Record<string, TextKey>> = {
  validation_failed: 'importUnreadable',
  payload_too_large: 'importTooLarge',
};

export function ImportChat({ onDone }: { onDone: () => void }) {
  const { toasts, translator } = usePage();
  const { t } = translator;
  const workspace = useWorkspace();
  const input = useRef<HTMLInputElement>(null);
  const { busy, run } = useAction();
  const [refusal, setRefusal] = useState<TextKey | null>(null);
  const take = (file: File) =>
    run(async () => {
      setRefusal(null);
      const taken = await importFile(file, workspace);
      if (typeof taken === 'string') {
        setRefusal(taken);
        return;
      }
      toasts.show(t('imported', { title: taken.title ?? t('untitled') }));
      onDone();
    });
  return (
    <>
      <h3>{t('importChat')}</h3>
      <p>{t('importWhy')}</p>
      <div class="row">
        <button type="button" class="button" disabled={busy} onClick={() => input.current?.click()}>
          <Icon name="upload" />
          {t('importChoose')}
        </button>
      </div>
      {refusal === null ? null : (
        <p class="note bad" role="alert">
          {t(refusal)}
        </p>
      )}
      <input
        ref={input}
        type="file"
        hidden
        accept=".json,application/json"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file !== undefined) take(file);
          event.currentTarget.value = ''; // The same file may be picked again.
        }}
      />
    </>
  );
}

/** @returns the chat, or why it is none. @throws ApiError for what has nothing to do with the file */
async function importFile(file: File, workspace: Workspace): Promise<ChatView | TextKey> {
  let json: unknown;
  try {
    json = JSON.parse(await file.text());
  } catch {
    return 'importUnreadable';
  }
  if (new Blob([JSON.stringify(json)]).size > LARGEST) return 'importTooLarge';
  try {
    return await workspace.import(json);
  } catch (error) {
    const refusal = REFUSALS[apiErrorOf(error)?.code ?? ''];
    if (refusal === undefined) throw error;
    return refusal;
  }
}
