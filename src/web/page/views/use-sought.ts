/** Leads to the message that was looked for. */
import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import type { Conversation } from '../model/conversation.ts';
import { usePage } from '../parts/page-context.ts';

export function useSought(conversation: Conversation, box: RefObject<HTMLElement | null>, leaveEnd: () => void): void {
  const { announcer, toasts, translator } = usePage();
  const { sought } = conversation;
  useLayoutEffect(() => {
    if (sought === null) return;
    conversation.sought = null;
    const scroller = box.current;
    const message = scroller?.querySelector<HTMLElement>(`[data-message="${CSS.escape(sought.messageId)}"]`);
    if (!sought.found || scroller === null || message == null) {
      toasts.show(translator.t('messageGone'), { kind: 'error' });
      return;
    }
    leaveEnd();
    lead(scroller, message);
    mark(message);
    announcer.say(translator.t('messageFound'));
    // Sizes of what came into sight are known a frame later only.
    requestAnimationFrame(() => lead(scroller, message));
  }, [sought, conversation, box, leaveEnd, announcer, toasts, translator]);
}

/** Pixels between the message and the upper edge. */
const MARGIN = 16;

/** Moves this box alone: the browser's own way into view would move everything around it as well. */
function lead(box: HTMLElement, message: HTMLElement): void {
  box.scrollTop += message.getBoundingClientRect().top - box.getBoundingClientRect().top - MARGIN;
}

/** It has the focus, so that reading goes on there, and is told apart until that goes elsewhere. */
function mark(message: HTMLElement): void {
  message.tabIndex = -1;
  message.classList.add('sought');
  message.focus({ preventScroll: true });
  const unmark = () => {
    message.classList.remove('sought');
    message.removeAttribute('tabindex');
  };
  message.addEventListener('blur', unmark, { once: true });
}
