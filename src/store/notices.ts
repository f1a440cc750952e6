/**
 * The port by which instances on one database tell each other that something changed. A notice is a hint to look into the
 * store: it carries ids, never content, and may be lost, so nobody's correctness may hang on it.
 */

/** What an instance does with what it hears. Neither method may throw. */
export interface NoticeListener {
  /** Another instance said `notice`. */
  heard(notice: string): void;
  /** For a while nothing could be heard: anything may have changed. */
  missed(): void;
}

/** Open from `Store.openNotices` until closed. */
export interface NoticeBoard {
  /** Tells every other instance, soon; at most 1,000 bytes without a line break. Never throws. */
  tell(notice: string): void;
  close(): Promise<void>;
}
