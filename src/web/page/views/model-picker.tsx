/** Which model answers: of this chat, or of the one about to begin. */
import type { Conversation } from '../model/conversation.ts';
import { errorText } from '../parts/error-text.ts';
import { usePage } from '../parts/page-context.ts';
import { useWatch } from '../parts/use-watch.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
import { useChangeChat } from './chat-menu.tsx';

export function ModelPicker({ conversation }: { conversation: Conversation | null }) {
  const { translator } = usePage();
  const { t } = translator;
  const workspace = useWorkspace();
  const { models } = workspace;
  useWatch(models, workspace);
  const change = useChangeChat();
  const chat = conversation?.chat ?? null;
  if (models.loading) return <span class="picker quiet">{t('loadingModels')}</span>;
  if (models.items.length === 0) {
    return (
      <span class="picker bad">
        {models.error === null ? t('noModels') : errorText(translator, models.error)}{' '}
        <button type="button" class="button small" onClick={() => void models.load()}>
          {t('tryAgain')}
        </button>
      </span>
    );
  }
  const chosen = chat?.model ?? (conversation === null ? workspace.newChatModel : null);
  const value = models.find(chosen)?.id ?? '';
  const choose = (id: string) => {
    if (chat !== null) void change(chat, { model: id }).then(() => conversation?.refresh());
    else workspace.chooseModel(id);
  };
  return (
    <label class="picker">
      <span class="visually-hidden">{t('model')}</span>
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {value === '' ? <option value="">{chosen ?? ''}</option> : null}
        {models.items.map((model) => (
          <option key={model.id} value={model.id}>
            {model.multiplier === null
              ? model.name
              : t('modelCost', { name: model.name, cost: translator.number(model.multiplier) })}
          </option>
        ))}
      </select>
    </label>
  );
}
