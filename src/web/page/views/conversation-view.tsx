/** One chat: its turns, newest at the end, and the box to write the next message. */
import { useRef } from 'preact/hooks';
import type { Conversation } from '../model/conversation.ts';
import { inStretches, type Stretch } from '../model/stretches.ts';
import { errorText } from '../parts/error-text.ts';
import { Icon } from '../parts/icon.tsx';
import { usePage, useText } from '../parts/page-context.ts';
import { useWatch } from '../parts/use-watch.ts';
import { AttemptView } from './attempt-view.tsx';
import { Composer } from './composer.tsx';
import { OlderMessages } from './older-messages.tsx';
import { StretchView } from './stretch-view.tsx';
import { useEndScroll } from './use-end-scroll.ts';
import { useKeptPlace } from './use-kept-place.ts';
import { useSought } from './use-sought.ts';

export function ConversationView({ conversation }: { conversation: Conversation }) {
  const t = useText();
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  useWatch(conversation);
  useKeptPlace(conversation, box, content);
  const { atEnd, toEnd, leaveEnd } = useEndScroll(box, content);
  useSought(conversation, box, leaveEnd);
  const { status } = conversation;
  if (status === 'missing' || status === 'failed') return <NoConversation conversation={conversation} />;
  return (
    <>
      <main class="conversation">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <section ref={box} class="scroll" tabIndex={0} aria-label={t('conversation')}>
          <div ref={content} class="column">
            {status === 'loading' ? <p class="progress">{t('loading')}</p> : null}
            <OlderMessages conversation={conversation} />
            <Turns conversation={conversation} />
            <AttemptView conversation={conversation} />
          </div>
        </section>
        {atEnd ? null : (
          <button type="button" class="button to-end" onClick={toEnd} aria-label={t('toEnd')} title={t('toEnd')}>
            <Icon name="down" />
          </button>
        )}
      </main>
      <Composer conversation={conversation} onSent={toEnd} />
    </>
  );
}

function Turns({ conversation }: { conversation: Conversation }) {
  const { groups, editing, idle } = conversation;
  const stretches = useRef<readonly Stretch[]>([]);
  stretches.current = inStretches(groups, stretches.current);
  return (
    <div class="turns">
      {stretches.current.map((stretch) => (
        <StretchView
          key={stretch.key}
          stretch={stretch}
          conversation={conversation}
          told={stretch.groups.some(({ turnId }) => conversation.answers.knows(turnId)) ? {} : null}
          newest={stretch === stretches.current.at(-1) ? groups.at(-1) : undefined}
          idle={idle}
          editing={stretch.groups.some(({ turnId }) => turnId === editing?.turnId) ? editing : null}
        />
      ))}
    </div>
  );
}

function NoConversation({ conversation }: { conversation: Conversation }) {
  const { translator, router } = usePage();
  const { t } = translator;
  const missing = conversation.status === 'missing';
  return (
    <main class="conversation">
      <div class="hollow">
        <h2>{missing ? t('chatMissing') : t('chatFailed')}</h2>
        <p>
          {missing ? t('chatMissingWhy') : conversation.error === null ? '' : errorText(translator, conversation.error)}
        </p>
        {missing ? (
          <button type="button" class="button" onClick={() => router.go(null)}>
            {t('newChat')}
          </button>
        ) : (
          <button type="button" class="button" onClick={() => void conversation.refresh()}>
            {t('tryAgain')}
          </button>
        )}
      </div>
    </main>
  );
}
