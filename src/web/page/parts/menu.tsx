/** A button with a menu: the ARIA menu button pattern on the browser's own popover, which closes on Escape and outside. */
import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';
import { Icon, type IconName } from './icon.tsx';

export interface MenuItem {
  readonly icon: IconName;
  readonly label: string;
  readonly danger?: boolean;
  /** Exactly one of the two. */
  readonly run?: () => void;
  readonly href?: string;
}

interface MenuProps {
  label: string;
  class?: string;
  children: ComponentChildren;
  items: readonly MenuItem[];
}

/** Space kept to the window's edges, in pixels. */
const EDGE = 8;

export function Menu({ label, class: className = 'button ghost square', children, items }: MenuProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const onToggle = (event: Pick<ToggleEvent, 'newState'>) => {
    const open = event.newState === 'open';
    button.current?.setAttribute('aria-expanded', String(open));
    if (!open || button.current === null || list.current === null) return;
    place(list.current, button.current.getBoundingClientRect());
    itemsOf(list.current)[0]?.focus();
  };
  const choose = (item: MenuItem) => {
    list.current?.hidePopover();
    item.run?.();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={className}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded="false"
        popovertarget={id}
      >
        {children}
      </button>
      <div
        ref={list}
        id={id}
        class="menu"
        role="menu"
        aria-label={label}
        tabIndex={-1}
        popover="auto"
        onToggle={onToggle}
        onKeyDown={(event) => walk(event, list.current)}
      >
        {items.map((item) => (
          <Entry key={item.label} item={item} onChoose={() => choose(item)} />
        ))}
      </div>
    </>
  );
}

function Entry({ item, onChoose }: { item: MenuItem; onChoose: () => void }) {
  const content = (
    <>
      <Icon name={item.icon} />
      <span>{item.label}</span>
    </>
  );
  const shared = {
    role: 'menuitem',
    tabIndex: -1,
    class: item.danger === true ? 'danger' : '',
    onClick: onChoose,
  } as const;
  if (item.href !== undefined) {
    return (
      <a {...shared} href={item.href} download="">
        {content}
      </a>
    );
  }
  return (
    <button {...shared} type="button">
      {content}
    </button>
  );
}

function itemsOf(list: HTMLElement): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>('[role=menuitem]')];
}

/** Below the button, or above it where there is no room. */
function place(list: HTMLElement, anchor: DOMRect): void {
  const { width, height } = list.getBoundingClientRect();
  const below = anchor.bottom + 4 + height <= window.innerHeight - EDGE;
  const left = Math.min(anchor.left, window.innerWidth - width - EDGE);
  list.style.top = `${Math.max(EDGE, below ? anchor.bottom + 4 : anchor.top - height - 4)}px`;
  list.style.left = `${Math.max(EDGE, left)}px`;
}

function walk(event: KeyboardEvent, list: HTMLElement | null): void {
  if (list === null) return;
  const items = itemsOf(list);
  const at = items.indexOf(document.activeElement as HTMLElement);
  const target: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  if (event.key === 'Tab') {
    list.hidePopover();
    return;
  }
  const next = target[event.key];
  if (next === undefined) return;
  event.preventDefault();
  items.at(next % items.length)?.focus();
}
