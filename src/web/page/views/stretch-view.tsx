/** Some turns that stand together. */
import type { Conversation } from '../model/conversation.ts';
import type { TurnGroup } from '../model/message-order.ts';
import type { Editing } from '../model/retake.ts';
import type { Stretch } from '../model/stretches.ts';
import { pure } from '../parts/pure.tsx';
import { TurnView } from './turn-view.tsx';

interface StretchProps {
  stretch: Stretch;
  conversation: Conversation;
  /** Another object each time while more is known of its turns than the history tells; null: they are history. */
  told: object | null;
  /** The newest turn of all, if it stands here. */
  newest: TurnGroup | undefined;
  /** Nothing of the chat is on its way. */
  idle: boolean;
  /** The question of it that is being changed. */
  editing: Editing | null;
}

export const StretchView = pure<StretchProps>(({ stretch, conversation, newest, idle, editing }) => {
  const { live, ends, thoughts } = conversation.answers;
  return (
    <div class={newest === undefined ? 'stretch' : 'stretch newest'}>
      {stretch.groups.map((group) => (
        <TurnView
          key={group.key}
          group={group}
          live={live.get(group.turnId) ?? null}
          end={ends.get(group.turnId) ?? null}
          thoughts={thoughts.get(group.turnId) ?? ''}
          conversation={conversation}
          last={group === newest}
          idle={idle}
          editing={editing?.turnId === group.turnId ? editing : null}
        />
      ))}
    </div>
  );
}, 'StretchView');
