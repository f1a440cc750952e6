/** A message of one's own, open for changes in its place. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { MessageView } from '../api/shapes.ts';
import type { Conversation } from '../model/conversation.ts';
import { newKey } from '../model/new-key.ts';
import type { Editing } from '../model/retake.ts';
import { useText } from '../parts/page-context.ts';
import { toComposer } from './to-composer.ts';
import { useGrowingBox } from './use-growing-box.ts';

interface EditorProps {
  question: MessageView;
  editing: Editing;
  conversation: Conversation;
}

export function QuestionEditor({ question, editing, conversation }: EditorProps) {
  const t = useText();
  const [text, setText] = useState(editing.text);
  const cancel = () => {
    conversation.edit(null);
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-edit="${question.id}"]`)?.focus());
  };
  const send = () => {
    if (text.trim() === '' || !conversation.idle) return;
    const message = { content: text, attachments: [...question.attachments] };
    void conversation.send(message, newKey(), { kind: 'edit', questionId: question.id });
    toComposer();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    send();
  };
  return (
    <form class="question editor" aria-label={t('editQuestion')} onSubmit={submit}>
      <EditBox text={text} onText={setText} onSend={send} onCancel={cancel} />
      <div class="row end">
        <span class="fine-print">{t('editWhy')}</span>
        <button type="button" class="button small" onClick={cancel}>
          {t('cancel')}
        </button>
        <button type="submit" class="button small primary" disabled={text.trim() === ''}>
          {t('send')}
        </button>
      </div>
    </form>
  );
}

interface EditBoxProps {
  text: string;
  onText: (text: string) => void;
  onSend: () => void;
  onCancel: () => void;
}

function EditBox({ text, onText, onSend, onCancel }: EditBoxProps) {
  const t = useText();
  const box = useRef<HTMLTextAreaElement>(null);
  useGrowingBox(box, text);
  useEffect(() => {
    box.current?.focus();
    box.current?.setSelectionRange(-1, -1);
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter and Escape that end the composing of a Korean or Chinese word are not meant for us; Safari tells only by 229.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape') {
      event.preventDefault();
      onCancel();
    }
    if (event.key !== 'Enter' || event.shiftKey || matchMedia('(pointer: coarse)').matches) return;
    event.preventDefault();
    onSend();
  };
  return (
    <textarea
      ref={box}
      rows={1}
      dir="auto"
      aria-label={t('editedMessage')}
      value={text}
      onInput={(event) => onText(event.currentTarget.value)}
      onKeyDown={onKeyDown}
    />
  );
}
