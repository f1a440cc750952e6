/** What is being written: text, images, the draft that outlives the page, and how it is sent. */
import { useEffect, useState } from 'preact/hooks';
import { apiErrorOf } from '../api/api-error.ts';
import type { Attachment, Model } from '../api/shapes.ts';
import type { Conversation } from '../model/conversation.ts';
import { NEW_CHAT } from '../model/draft-store.ts';
import { newKey } from '../model/new-key.ts';
import type { Workspace } from '../model/workspace.ts';
import { errorText } from '../parts/error-text.ts';
import { usePage } from '../parts/page-context.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
import { useAttachments } from './use-attachments.ts';

export interface ComposerState {
  readonly text: string;
  readonly attachments: readonly Attachment[];
  readonly model: Model | null;
  /** Why it cannot be sent as it is, or was not. */
  readonly problem: string | null;
  readonly ready: boolean;
  setText(text: string): void;
  addFiles(files: readonly File[]): void;
  removeAttachment(index: number): void;
  send(): void;
}

export function useComposer(conversation: Conversation | null, onSent: () => void): ComposerState {
  const workspace = useWorkspace();
  const { translator } = usePage();
  const images = useAttachments();
  const [error, setError] = useState<string | null>(null);
  const draft = useDraft(workspace, conversation, images.restore);
  const model = workspace.models.find(
    conversation === null ? workspace.newChatModel : (conversation.chat?.model ?? null),
  );
  const blind = images.items.length > 0 && model !== null && !model.vision;
  const { text } = draft;
  const ready = text.trim() !== '' && !blind && !images.working;
  const send = async () => {
    if (!ready) return;
    const message = { content: text, attachments: [...images.items] };
    const key = draft.key ?? newKey();
    // Images are too large to be kept: sent again without them under the same key, it would be another message.
    draft.replace('', { text, key: message.attachments.length === 0 ? key : null });
    images.clear();
    setError(null);
    onSent();
    try {
      await (conversation === null ? workspace.begin(message, key) : conversation.send(message, key));
    } catch (failure) {
      const problem = apiErrorOf(failure);
      draft.replace(text, { text, key });
      images.restore(message.attachments);
      setError(problem === null ? null : errorText(translator, problem));
    }
  };
  return {
    text,
    attachments: images.items,
    model,
    problem: blind ? translator.t('noVision', { model: model?.name ?? '' }) : (images.problem ?? error),
    ready,
    setText: draft.setText,
    addFiles: images.add,
    removeAttachment: images.remove,
    send: () => void send(),
  };
}

/** The text in the box, kept as it is typed. */
function useDraft(
  workspace: Workspace,
  conversation: Conversation | null,
  restoreImages: (attachments: readonly Attachment[]) => void,
) {
  const { drafts } = workspace;
  const chatId = conversation?.chatId ?? NEW_CHAT;
  const [state, setState] = useState(() => {
    const kept = drafts.get(chatId);
    // What is on its way stands among the messages already.
    return kept.key !== null && kept.key === conversation?.attempt?.key ? { text: '', key: null } : kept;
  });
  useEffect(() => {
    if (conversation === null) return undefined;
    conversation.onTakenBack = (attempt) => {
      const { content, attachments } = attempt.message;
      restoreImages(attachments);
      setState({ text: content, key: null });
      drafts.set(chatId, { text: content, key: null });
    };
    return () => {
      conversation.onTakenBack = null;
    };
  }, [conversation, drafts, chatId, restoreImages]);
  return {
    ...state,
    /** Another text is another message: the key of the one before is not for it. */
    setText: (text: string) => {
      setState({ text, key: null });
      drafts.set(chatId, { text, key: null });
    },
    replace: (text: string, kept: { text: string; key: string | null }) => {
      setState({ text, key: text === '' ? null : kept.key });
      drafts.set(chatId, kept);
    },
  };
}
