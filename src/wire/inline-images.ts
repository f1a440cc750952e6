/** Images that come inside a request. Nothing else does: a path or an address would be read on the runtime's host. */

/** Kinds of images that models take. */
export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;

/** One of {@link IMAGE_TYPES}. */
export type ImageType = (typeof IMAGE_TYPES)[number];

/** First bytes of each kind: the runtime silently replaces what is no image. */
const SIGNATURES: Record<ImageType, (bytes: Buffer) => boolean> = {
  'image/png': (bytes) => bytes.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])),
  'image/jpeg': (bytes) => bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff])),
  'image/gif': (bytes) => /^GIF8[79]a/.test(bytes.subarray(0, 6).toString('latin1')),
  'image/webp': (bytes) =>
    bytes.subarray(0, 4).toString('latin1') === 'RIFF' && bytes.subarray(8, 12).toString('latin1') === 'WEBP',
};

/** Whether `name` is a kind of image that models take. */
export function isImageType(name: string): name is ImageType {
  return (IMAGE_TYPES as readonly string[]).includes(name);
}

/** Whether `data` is base64 of an image of that kind, as far as its first bytes tell. */
export function isImageOf(type: ImageType, data: string): boolean {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(data) && SIGNATURES[type](Buffer.from(data.slice(0, 64), 'base64'));
}
