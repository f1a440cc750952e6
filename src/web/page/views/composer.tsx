/** The box to write in. */
import { useEffect, useRef } from 'preact/hooks';
import type { Conversation } from '../model/conversation.ts';
import { Icon } from '../parts/icon.tsx';
import { usePage } from '../parts/page-context.ts';
import { useWatch } from '../parts/use-watch.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
import { AttachmentStrip } from './attachment-strip.tsx';
import { ImageButton } from './image-button.tsx';
import { ModelPicker } from './model-picker.tsx';
import { type ComposerState, useComposer } from './use-composer.ts';
import { useGrowingBox } from './use-growing-box.ts';

interface ComposerProps {
  /** Null: the first message makes the chat. */
  conversation: Conversation | null;
  onSent: () => void;
}

export function Composer({ conversation, onSent }: ComposerProps) {
  const { t } = usePage().translator;
  const { models } = useWorkspace();
  useWatch(conversation, models);
  const composer = useComposer(conversation, onSent);
  const busy = conversation !== null && (conversation.running !== null || conversation.attempt?.error === null);
  const submit = (event: Event) => {
    event.preventDefault();
    composer.send();
  };
  return (
    <form class="composer" onSubmit={submit} aria-label={t('newMessage')}>
      {composer.problem === null ? null : (
        <p class="note bad" role="alert">
          {composer.problem}
        </p>
      )}
      <div class="composer-box">
        <AttachmentStrip attachments={composer.attachments} onRemove={composer.removeAttachment} />
        <MessageBox composer={composer} busy={busy} />
        <div class="composer-row">
          <ImageButton onFiles={composer.addFiles} allowed={composer.model?.vision === true} />
          <ModelPicker conversation={conversation} />
          {busy && conversation !== null ? (
            <StopButton conversation={conversation} />
          ) : (
            <button
              type="submit"
              class="button primary round"
              aria-label={t('send')}
              title={t('send')}
              disabled={!composer.ready}
            >
              <Icon name="send" />
            </button>
          )}
        </div>
      </div>
      <p class="fine-print">{t('finePrint')}</p>
    </form>
  );
}

function MessageBox({ composer, busy }: { composer: ComposerState; busy: boolean }) {
  const { announcer, translator } = usePage();
  const { t } = translator;
  const box = useRef<HTMLTextAreaElement>(null);
  useGrowingBox(box, composer.text);
  useEffect(() => {
    // Where there is a keyboard, one can type at once; on a phone it would cover the page.
    if (matchMedia('(hover: hover)').matches) box.current?.focus({ preventScroll: true });
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter that ends the composing of a Korean or Chinese word is not meant for us; Safari tells only by 229.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    if (matchMedia('(pointer: coarse)').matches) return;
    event.preventDefault();
    if (busy) announcer.say(t('stillAnswering'));
    else composer.send();
  };
  return (
    <textarea
      ref={box}
      id="composer"
      rows={1}
      dir="auto"
      placeholder={t('messagePlaceholder')}
      aria-label={t('message')}
      value={composer.text}
      onInput={(event) => composer.setText(event.currentTarget.value)}
      onKeyDown={onKeyDown}
      onPaste={(event) => {
        const files = [...(event.clipboardData?.files ?? [])];
        if (files.length === 0) return;
        event.preventDefault();
        composer.addFiles(files);
      }}
    />
  );
}

function StopButton({ conversation }: { conversation: Conversation }) {
  const { toasts, translator } = usePage();
  const { t } = translator;
  const stop = () => {
    conversation.stop().catch(() => toasts.show(t('stopFailed'), { kind: 'error' }));
  };
  const stopping = conversation.running?.stopping === true;
  return (
    <button
      type="button"
      class="button primary round stop"
      aria-label={t('stop')}
      title={t('stop')}
      disabled={stopping}
      onClick={stop}
    >
      <Icon name="stop" />
    </button>
  );
}
