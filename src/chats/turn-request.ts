/** From a request to a checked turn request: content, images, model, delivery, idempotency. Nothing is saved here. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { GatewayError } from '../errors.ts';
import type { ModelInfo } from '../runtimes/runtime-port.ts';
import type { AttachmentRecord } from '../store/records.ts';
import type { OwnedChat } from '../store/store.ts';
import { isImageOf } from '../wire/inline-images.ts';
import { Nullable, Strict } from '../wire/shapes.ts';
import type { ChatDependencies } from './chat-dependencies.ts';
import { chooseModel } from './model-choice.ts';

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

/** @throws GatewayError `attachment_rejected` naming the one that is wrong */
export function checkedAttachments(given: readonly Static<typeof AttachmentInput>[]): AttachmentRecord[] {
  return given.map(({ type, mimeType, data, name }, index) => {
    if (!isImageOf(mimeType, data)) {
      throw new GatewayError('attachment_rejected', `Attachment ${index + 1} is not base64 of a ${mimeType} image.`);
    }
    return { type, mimeType, data, name: name ?? null };
  });
}

/**
 * The model that answers: the one asked for, the chat's, or the default; able to see `images`.
 * @throws GatewayError `model_unavailable`; `attachment_rejected` when it cannot see
 */
export async function modelFor(
  deps: ChatDependencies,
  chat: OwnedChat,
  wish: string | null | undefined,
  images: readonly AttachmentRecord[],
): Promise<ModelInfo> {
  const chosen = await chooseModel(deps, chat.userId, [wish, chat.model]);
  if (images.length === 0 || chosen.vision) return chosen;
  throw new GatewayError(
    'attachment_rejected',
    `The model ${chosen.id} cannot see images. Choose one with "vision" in GET /api/models.`,
  );
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
