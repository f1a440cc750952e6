/** Whether somebody is there: the tab is looked at, the network is up. */

/**
 * A tab that nobody looks at for this long gives its connections back, in milliseconds: over HTTP/1.1 a browser has six per
 * host for all tabs together, and two open streams per tab would use them up.
 */
const HIDDEN_MS = 60_000;

/** Settles when trying again makes sense before its time, or when `signal` aborts. */
export function whenWorthTrying(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      window.removeEventListener('online', done);
      document.removeEventListener('visibilitychange', onVisible);
      resolve();
    };
    const onVisible = () => {
      if (document.visibilityState === 'visible') done();
    };
    window.addEventListener('online', done);
    document.addEventListener('visibilitychange', onVisible);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Tells when the tab is looked at and when it has not been for a while. @returns what ends it */
export function watchPresence(onPresent: (present: boolean) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let present = true;
  const tell = (value: boolean) => {
    if (value === present) return;
    present = value;
    onPresent(value);
  };
  const onChange = () => {
    clearTimeout(timer);
    if (document.visibilityState === 'visible') tell(true);
    else timer = setTimeout(() => tell(false), HIDDEN_MS);
  };
  document.addEventListener('visibilitychange', onChange);
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', onChange);
  };
}
