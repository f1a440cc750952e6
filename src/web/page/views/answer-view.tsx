/** An answer, being made or done: the same elements for both, so that its end changes nothing under the reader's eyes. */
import type { ComponentChildren } from 'preact';
import type { MessageView } from '../api/shapes.ts';
import { Markdown } from '../markdown/markdown.tsx';
import type { LiveAnswer } from '../model/live-answer.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Wheel } from '../parts/icon.tsx';
import { usePage, useText } from '../parts/page-context.ts';
import { useWatch } from '../parts/use-watch.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
import { ProgressLine } from './progress-line.tsx';

interface AnswerProps {
  answer: MessageView | null;
  live: LiveAnswer | null;
  thoughts: string;
  /** What can be done with it besides copying. */
  actions?: ComponentChildren;
}

export function AnswerView({ answer, live, thoughts, actions }: AnswerProps) {
  useWatch(live);
  const { translator } = usePage();
  const { t } = translator;
  const { models } = useWorkspace();
  useWatch(models);
  const state = live?.state ?? null;
  const text = state?.text ?? answer?.content ?? '';
  const modelId = answer?.model ?? state?.turn?.model ?? null;
  const model = modelId === null ? '' : models.name(modelId);
  const time = answer === null ? '' : translator.moment(answer.createdAt);
  return (
    <article
      class="answer"
      aria-label={t('answerAt', { model, time })}
      aria-busy={live !== null}
      data-message={answer?.id}
    >
      <header class="answer-head">
        <span class={live === null ? 'helm' : 'helm turning'}>
          <Wheel />
        </span>
        <h2 class="model-name">{model === '' ? t('copilot') : model}</h2>
      </header>
      <Thoughts text={state?.reasoning ?? thoughts} />
      {text === '' ? null : <Markdown text={text} final={live === null} />}
      {live === null ? null : <ProgressLine live={live} />}
      {state?.question == null ? null : <p class="note">{state.question}</p>}
      {answer === null || live !== null ? null : (
        <div class="meta">
          <CopyButton quiet text={() => answer.content} label={t('copyAnswer')} />
          {actions}
          <time>{time}</time>
          {answer.status === 'partial' ? <span>{t('partial')}</span> : null}
        </div>
      )}
    </article>
  );
}

function Thoughts({ text }: { text: string }) {
  const t = useText();
  if (text === '') return null;
  return (
    <details class="thoughts">
      <summary>{t('thoughts')}</summary>
      <p>{text}</p>
    </details>
  );
}
