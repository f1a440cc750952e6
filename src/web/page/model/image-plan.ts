/** How an image is made to fit into a message: the gateway takes 1 MiB of JSON, base64 included. Pure. */

export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;

/** All images of a message together, in bytes before base64; leaves 64 KiB of the gateway's limit for the text. */
export const IMAGE_BUDGET = 720_000;

/** As many as the gateway takes. */
export const MOST_IMAGES = 8;

/** Longest side that models look at; more is only weight. Pixels. */
const LONGEST_SIDE = 1_568;

/** Below this there is no point in trying, in bytes. */
const LEAST_ROOM = 24_000;

export type ImagePlan =
  | { readonly kind: 'keep' }
  | { readonly kind: 'shrink'; readonly steps: readonly ShrinkStep[] }
  | { readonly kind: 'refuse'; readonly reason: 'type' | 'count' | 'room' };

/** One try: these pixels, as WebP of this quality. */
export interface ShrinkStep {
  readonly width: number;
  readonly height: number;
  readonly quality: number;
}

/**
 * What to do with an image that is added to others.
 * @param taken bytes and number of those already there
 */
export function planImage(
  image: { type: string; bytes: number; width: number; height: number },
  taken: { bytes: number; count: number },
): ImagePlan {
  if (!(IMAGE_TYPES as readonly string[]).includes(image.type)) return { kind: 'refuse', reason: 'type' };
  if (taken.count >= MOST_IMAGES) return { kind: 'refuse', reason: 'count' };
  const room = IMAGE_BUDGET - taken.bytes;
  if (image.bytes <= room) return { kind: 'keep' };
  if (room < LEAST_ROOM) return { kind: 'refuse', reason: 'room' };
  return { kind: 'shrink', steps: shrinkSteps(image.width, image.height) };
}

/** From the best to the smallest; the first whose result fits is taken. */
function shrinkSteps(width: number, height: number): ShrinkStep[] {
  const first = Math.min(1, LONGEST_SIDE / Math.max(width, height, 1));
  return [
    [1, 0.86],
    [1, 0.7],
    [0.75, 0.7],
    [0.5, 0.65],
    [0.33, 0.6],
  ].map(([scale = 1, quality = 0.6]) => ({
    width: Math.max(1, Math.round(width * first * scale)),
    height: Math.max(1, Math.round(height * first * scale)),
    quality,
  }));
}
