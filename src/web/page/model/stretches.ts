/**
 * Turns in stretches: a browser passes over a stretch that is out of sight as one thing, so that a frame of a long chat costs
 * what is in sight and not what was said. Pure.
 */
import type { TurnGroup } from './message-order.ts';

export interface Stretch {
  readonly key: string;
  readonly groups: readonly TurnGroup[];
}

/** Turns of a stretch: about two screens of them. */
export const LONGEST_STRETCH = 10;

/**
 * `groups` in stretches.
 * @param before the stretches of the last call: a turn stays in its own, and one that did not change is the same object again
 */
export function inStretches(groups: readonly TurnGroup[], before: readonly Stretch[]): Stretch[] {
  const homes = new Map(before.flatMap((stretch) => stretch.groups.map(({ key }) => [key, stretch.key] as const)));
  const firstKnown = groups.findIndex(({ key }) => homes.has(key));
  const stretches: { key: string; groups: TurnGroup[] }[] = [];
  for (const group of groups.slice(Math.max(0, firstKnown))) {
    const home = homes.get(group.key);
    const last = stretches.at(-1);
    const joins = last !== undefined && (home === undefined ? last.groups.length < LONGEST_STRETCH : home === last.key);
    if (joins) last.groups.push(group);
    else stretches.push({ key: home ?? group.key, groups: [group] });
  }
  // What is older than all that is known comes in above, from its end.
  for (const group of groups.slice(0, Math.max(0, firstKnown)).reverse()) {
    const first = stretches[0];
    if (first !== undefined && first.groups.length < LONGEST_STRETCH) first.groups.unshift(group);
    else stretches.unshift({ key: group.key, groups: [group] });
  }
  const known = new Map(before.map((stretch) => [stretch.key, stretch]));
  return stretches.map((stretch) => {
    const old = known.get(stretch.key);
    return old !== undefined && isSame(old.groups, stretch.groups) ? old : stretch;
  });
}

function isSame(some: readonly TurnGroup[], others: readonly TurnGroup[]): boolean {
  return some.length === others.length && some.every((group, index) => group === others[index]);
}
