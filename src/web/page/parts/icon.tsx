/** The page's icons: outlines on a grid of 24, decoration beside a text or a label. */

const PATHS = {
  plus: 'M12 5v14M5 12h14',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM20 20l-4-4',
  menu: 'M4 7h16M4 12h16M4 17h10',
  close: 'M6 6l12 12M18 6L6 18',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  pin: 'M9 4h6l-1 6 4 3v2H6v-2l4-3-1-6ZM12 15v5',
  pencil: 'M4 20h4L19 9l-4-4L4 16v4ZM13 7l4 4',
  archive: 'M4 5h16v4H4zM6 9v10h12V9M10 13h4',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  upload: 'M12 15V4M7 9l5-5 5 5M5 20h14',
  send: 'M12 20V5M5 11l7-7 7 7',
  stop: 'M7 7h10v10H7z',
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M5 13l4 4L19 7',
  down: 'M12 5v14M5 12l7 7 7-7',
  retry: 'M20 12a8 8 0 1 1-2.5-5.8M20 4v5h-5',
  settings: 'M5 7h8M17 7h2M15 5v4M5 17h2M11 17h8M9 15v4M5 12h12M19 12h0M19 10v4',
  branch: 'M7 4v16M7 14c0-4 10-2 10-8M17 6V4M15 6l2-2 2 2',
  chevron: 'M7 10l5 5 5-5',
  alert: 'M12 4L2.5 20h19L12 4ZM12 10v4M12 17h.01',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" data-icon={name} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** A ship's wheel: eight spokes and a rim. */
export function Wheel() {
  return (
    <svg class="wheel" viewBox="0 0 48 48" aria-hidden="true" focusable="false">
      <circle cx="24" cy="24" r="13" />
      <circle cx="24" cy="24" r="4.5" />
      <path d="M24 3v16.5M24 28.5V45M3 24h16.5M28.5 24H45M9.2 9.2l11.6 11.6M27.2 27.2l11.6 11.6M38.8 9.2L27.2 20.8M20.8 27.2L9.2 38.8" />
    </svg>
  );
}
