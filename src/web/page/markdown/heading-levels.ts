/** The outline of an answer. Pure. */
import type { Block } from './block-splitter.ts';

/** The answer itself stands under a heading of the second level. */
const ABOVE = 2;
const DEEPEST = 6;

/**
 * The level of each heading by where it begins. Models skip levels and begin where they like; people who go from heading to
 * heading need an outline without gaps. A heading's level follows from those before it alone, so it never changes while the
 * answer grows.
 */
export function headingLevels(blocks: readonly Block[]): ReadonlyMap<number, number> {
  const levels = new Map<number, number>();
  const open: number[] = [];
  for (const { start, token } of blocks) {
    if (token.type !== 'heading') continue;
    const depth = Number(token.depth);
    while ((open.at(-1) ?? 0) >= depth) open.pop();
    open.push(depth);
    levels.set(start, Math.min(DEEPEST, ABOVE + open.length));
  }
  return levels;
}
