/** From a request to a checked turn request: content, images, model, delivery, idempotency. Nothing is saved here. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import type { AttachmentRecord } from '../store/records.ts';
import { Nullable, Strict } from '../wire/shapes.ts';

/** Longest message, in UTF-16 code units. The body limit of 1 MiB holds besides. */
const LONGEST_CONTENT = 400_000;
const MOST_IMAGES = 8;

export const MessageContent = Type.String({
  minLength: 1,
  maxLength: LONGEST_CONTENT,
  pattern: '\\S',
  description: 'What the user says; not only white space',
});

/** Inline images only: a path would be read on the runtime's host. */
export const AttachmentInput = Strict({
  type: Type.Literal('image'),
  mimeType: Type.Union([
    Type.Literal('image/png'),
    Type.Literal('image/jpeg'),
    Type.Literal('image/gif'),
    Type.Literal('image/webp'),
  ]),
  data: Type.String({ minLength: 4, description: 'base64' }),
  name: Type.Optional(Nullable(Type.String({ maxLength: 200 }))),
});

export const Attachments = Type.Array(AttachmentInput, { maxItems: MOST_IMAGES });

/** First bytes of each accepted kind: the runtime silently replaces what is no image. */
const SIGNATURES: Record<Static<typeof AttachmentInput>['mimeType'], (bytes: Buffer) => boolean> = {
  'image/png': (bytes) => bytes.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])),
  'image/jpeg': (bytes) => bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff])),
  'image/gif': (bytes) => /^GIF8[79]a/.test(bytes.subarray(0, 6).toString('latin1')),
  'image/webp': (bytes) =>
    bytes.subarray(0, 4).toString('latin1') === 'RIFF' && bytes.subarray(8, 12).toString('latin1') === 'WEBP',
};

/** @throws GatewayError `attachment_rejected` naming the one that is wrong */
export function checkedAttachments(given: readonly Static<typeof AttachmentInput>[]): AttachmentRecord[] {
  return given.map(({ type, mimeType, data, name }, index) => {
    const bytes = /^[A-Za-z0-9+/]+={0,2}$/.test(data) ? Buffer.from(data, 'base64') : Buffer.alloc(0);
    if (!SIGNATURES[mimeType](bytes)) {
      throw new GatewayError('attachment_rejected', `Attachment ${index + 1} is not base64 of a ${mimeType} image.`);
    }
    return { type, mimeType, data, name: name ?? null };
  });
}

/**
 * The request's Idempotency-Key with a hash of what it asked for.
 * @throws GatewayError `validation_failed` for a key that is empty, too long or not printable ASCII
 */
export function idempotencyOf(request: FastifyRequest, asked: unknown): { key: string; bodyHash: string } | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || !/^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(key)) {
    throw new GatewayError('validation_failed', 'Idempotency-Key must be 1 to 255 printable ASCII characters.');
  }
  return { key, bodyHash: createHash('sha256').update(stableJson(asked)).digest('base64url') };
}

/** JSON with sorted keys, so that the same request in another order of members is the same request. */
function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
