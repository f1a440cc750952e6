/** A chat that has not begun. */
import { Wheel } from '../parts/icon.tsx';
import { useText } from '../parts/page-context.ts';
import { useWorkspace } from '../parts/workspace-context.ts';
import { Composer } from './composer.tsx';

const IDEAS = ['idea.explain', 'idea.write', 'idea.plan'] as const;

export function NewChat() {
  const t = useText();
  const { me } = useWorkspace();
  const name = (me.name ?? me.login).split(' ')[0] ?? me.login;
  return (
    <>
      <main class="conversation">
        <div class="hollow">
          <Wheel />
          <h2>{t('whereTo', { name })}</h2>
          <ul class="ideas">
            {IDEAS.map((idea) => (
              <li key={idea}>
                <button type="button" class="idea" onClick={() => takeIdea(t(idea))}>
                  {t(idea)}
                </button>
              </li>
            ))}
          </ul>
        </div>
      </main>
      <Composer conversation={null} onSent={() => undefined} />
    </>
  );
}

/** Puts the beginning of a sentence into the box, for the person to finish. */
function takeIdea(text: string): void {
  const box = document.querySelector<HTMLTextAreaElement>('#composer');
  if (box === null) return;
  box.value = `${text} `;
  box.dispatchEvent(new Event('input', { bubbles: true }));
  box.focus();
}
