/** What the person said. Shown as it was typed: it is no Markdown of ours to interpret. */
import type { ComponentChildren } from 'preact';
import type { Attachment } from '../api/shapes.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { useText } from '../parts/page-context.ts';

interface QuestionProps {
  content: string;
  attachments: readonly Attachment[];
  time: string;
  /** Once the gateway has it. */
  id?: string;
  /** What can be done with it besides copying. */
  actions?: ComponentChildren;
}

export function QuestionView({ content, attachments, time, id, actions }: QuestionProps) {
  const t = useText();
  return (
    <article class="question" data-message={id} aria-label={t('youAt', { time })}>
      <h2 class="visually-hidden">{t('you')}</h2>
      {attachments.length === 0 ? null : (
        <div class="pictures">
          {attachments.map((attachment, index) => (
            <img
              key={`${index}${attachment.name}`}
              src={`data:${attachment.mimeType};base64,${attachment.data}`}
              alt={attachment.name ?? t('image', { number: index + 1 })}
              loading="lazy"
            />
          ))}
        </div>
      )}
      <div class="bubble" dir="auto">
        {content}
      </div>
      <div class="meta">
        <time>{time}</time>
        <CopyButton quiet text={() => content} label={t('copyMessage')} />
        {actions}
      </div>
    </article>
  );
}
