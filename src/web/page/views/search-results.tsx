/** What was found: each chat once, under it the messages that have the words. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { SearchHit } from '../api/shapes.ts';
import type { FoundChat } from '../model/chat-search.ts';
import { Router } from '../model/router.ts';
import { errorText } from '../parts/error-text.ts';
import { usePage, useText } from '../parts/page-context.ts';
import { useWatch } from '../parts/use-watch.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
import { ChatRow, isPlainClick } from './chat-row.tsx';
import { MoreButton } from './more-button.tsx';

export function SearchResults({ onChosen }: { onChosen: () => void }) {
  const { translator } = usePage();
  const { t } = translator;
  const { chats, search } = useWorkspace();
  useWatch(chats, search);
  useAnnouncedCount();
  const found = search.found.filter(({ chat }) => !chats.isHidden(chat.id));
  return (
    <section class="chat-list found" aria-label={t('found')} aria-busy={search.loading}>
      {found.map((entry) => (
        <FoundView key={entry.chat.id} found={entry} onChosen={onChosen} />
      ))}
      {found.length === 0 && search.error === null ? (
        <p class="empty">{search.loading ? t('searching') : t('nothingFound')}</p>
      ) : null}
      {search.error === null ? null : (
        <p class="empty">
          {errorText(translator, search.error)}{' '}
          <button type="button" class="button small" onClick={() => void search.read()}>
            {t('tryAgain')}
          </button>
        </p>
      )}
      {search.hasMore ? (
        <MoreButton label={t('moreFound')} shown={search.count} readMore={() => void search.readMore()} />
      ) : null}
    </section>
  );
}

function FoundView({ found: { chat, hits }, onChosen }: { found: FoundChat; onChosen: () => void }) {
  return (
    <ul>
      <ChatRow chat={chat} onChosen={onChosen} />
      {hits.map((hit) => (
        <HitView key={hit.message?.id} hit={hit} onChosen={onChosen} />
      ))}
    </ul>
  );
}

function HitView({ hit: { chat, message, snippet, highlights }, onChosen }: { hit: SearchHit; onChosen: () => void }) {
  const { translator } = usePage();
  const { t } = translator;
  const workspace = useWorkspace();
  if (message === null) return null;
  const open = (event: MouseEvent) => {
    if (!isPlainClick(event)) return;
    event.preventDefault();
    workspace.openAt(chat.id, message.id);
    onChosen();
  };
  return (
    <li class="hit">
      <a href={`${Router.path(chat.id)}#${message.id}`} onClick={open}>
        <span class="hit-head">
          {message.role === 'user' ? t('you') : t('copilot')} · {translator.moment(message.createdAt)}
        </span>
        <span class="hit-text">{marked(snippet, highlights)}</span>
      </a>
    </li>
  );
}

function marked(text: string, highlights: SearchHit['highlights']): ComponentChildren {
  let done = 0;
  const parts: ComponentChildren[] = [];
  for (const [start, end] of highlights) {
    parts.push(unmarked(text.slice(done, start)), <mark key={start}>{unmarked(text.slice(start, end))}</mark>);
    done = end;
  }
  return [...parts, unmarked(text.slice(done))];
}

/** Without the marks of weight and code, which are noise in a line of text. */
function unmarked(text: string): string {
  return text.replace(/\*\*|__|`+/g, '');
}

/** Who does not see the list hears how long it is. */
function useAnnouncedCount(): void {
  const t = useText();
  const { announcer } = usePage();
  const { search } = useWorkspace();
  const { loading, error, count, hasMore } = search;
  useEffect(() => {
    if (loading || error !== null) return;
    if (count === 0) announcer.say(t('nothingFound'));
    else announcer.say(t(hasMore ? 'foundMany' : 'foundCount', { count }));
  }, [loading, error, count, hasMore, announcer, t]);
}

/** Arrow keys go from the box to what was found, and back; Escape goes back at once. */
export function walkResults(event: KeyboardEvent): void {
  const list = event.currentTarget as HTMLElement;
  const box = list.querySelector<HTMLElement>('#chat-search');
  const stops = [box, ...list.querySelectorAll<HTMLElement>('.found li > a')].filter((stop) => stop !== null);
  const at = stops.indexOf(document.activeElement as HTMLElement);
  if (at === -1 || stops.length === 1) return;
  const step = { ArrowDown: at + 1, ArrowUp: at - 1, Escape: at === 0 ? undefined : 0 }[event.key];
  const next = step === undefined ? undefined : stops[step];
  if (next === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  next.focus();
}
