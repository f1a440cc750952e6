/** What an operator does with one runtime: see `Runtimes.operate`. */
import type { Retirement } from './retirement.ts';
import type { RuntimePlace } from './runtime-place.ts';
import type { RuntimeAct, RuntimeOperation } from './runtime-port.ts';

/** @param shared the places are everybody's, not one for each user */
export function operateOn(
  places: readonly RuntimePlace[],
  shared: boolean,
  retirement: Retirement,
  { name, act }: { name: string; act: RuntimeAct },
): RuntimeOperation {
  const place = places.find(({ slot, host }) => (host?.name ?? slot) === name);
  // Without a runtime the place of one user would be known by nothing but who that is.
  if (!place || (!shared && !place.host)) return 'unknown';
  if (act === 'drain' && shared) {
    if (!places.some((other) => other !== place && !other.drained)) return 'only';
    place.drained = true;
  }
  if (act !== 'drain') place.drained = false;
  if (act !== 'resume' && place.host) void retirement.begin(place.host, place);
  return 'done';
}
