/** Settings and account, one section at a time. */
import type { ComponentChildren, FunctionComponent } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { ApiError } from '../../api/api-error.ts';
import type { TextKey } from '../../i18n/translator.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { usePage, useText } from '../../parts/page-context.ts';
import { AppearanceSwitches } from '../appearance.tsx';
import { DataSection } from './data-section.tsx';
import { DevicesSection } from './devices-section.tsx';
import { TokensSection } from './tokens-section.tsx';
import { UsageSection } from './usage-section.tsx';

interface Section {
  readonly key: string;
  readonly label: TextKey;
  /** `onDone`: what was asked for is elsewhere now. */
  readonly view: FunctionComponent<{ onDone: () => void }>;
}

const SECTIONS: readonly Section[] = [
  { key: 'general', label: 'settings.general', view: () => <AppearanceSwitches /> },
  { key: 'devices', label: 'settings.devices', view: DevicesSection },
  { key: 'tokens', label: 'settings.tokens', view: TokensSection },
  { key: 'usage', label: 'settings.usage', view: UsageSection },
  { key: 'data', label: 'settings.data', view: DataSection },
];

/** @param section shown first */
export function SettingsDialog({ section, onClose }: { section: string; onClose: () => void }) {
  const t = useText();
  const id = useId();
  const sections = useSections();
  const [chosen, setChosen] = useState(section);
  const current = sections.find(({ key }) => key === chosen) ?? SECTIONS[0];
  if (current === undefined) return null;
  const { view: View } = current;
  return (
    <Dialog title={t('settings')} wide onClose={onClose}>
      <div class="settings">
        <div
          class="tabs"
          role="tablist"
          aria-label={t('settings')}
          onKeyDown={(event) => walkTabs(event, sections, chosen, setChosen)}
        >
          {sections.map(({ key, label }) => (
            <button
              key={key}
              id={`${id}-${key}`}
              type="button"
              role="tab"
              class="tab"
              aria-selected={key === current.key}
              aria-controls={`${id}-panel`}
              tabIndex={key === current.key ? 0 : -1}
              onClick={() => setChosen(key)}
            >
              {t(label)}
            </button>
          ))}
        </div>
        <Panel id={`${id}-panel`} labelledBy={`${id}-${current.key}`}>
          <View key={current.key} onDone={onClose} />
        </Panel>
      </div>
    </Dialog>
  );
}

function Panel({ id, labelledBy, children }: { id: string; labelledBy: string; children: ComponentChildren }) {
  return (
    <section id={id} class="panel" role="tabpanel" aria-labelledby={labelledBy}>
      {children}
    </section>
  );
}

/** A gateway without API tokens has no place for them. */
function useSections(): readonly Section[] {
  const { api } = usePage();
  const [hidden, setHidden] = useState<string | null>(null);
  useEffect(() => {
    api.tokens().catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) setHidden('tokens');
    });
  }, [api]);
  return SECTIONS.filter(({ key }) => key !== hidden);
}

/** Arrow keys go from tab to tab, as the ARIA pattern has it. */
function walkTabs(
  event: KeyboardEvent,
  sections: readonly Section[],
  chosen: string,
  choose: (key: string) => void,
): void {
  const at = sections.findIndex(({ key }) => key === chosen);
  const steps: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowRight: at + 1,
    ArrowUp: at - 1,
    ArrowLeft: at - 1,
    Home: 0,
    End: -1,
  };
  const step = steps[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const next = sections.at(step % sections.length);
  if (next === undefined) return;
  choose(next.key);
  const tabs = (event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[role=tab]');
  tabs[sections.indexOf(next)]?.focus();
}
