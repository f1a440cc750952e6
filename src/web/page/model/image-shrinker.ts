/** Carries out what `image-plan` decides, on a canvas. */
import type { Attachment } from '../api/shapes.ts';
import { IMAGE_BUDGET, type ImagePlan, planImage, type ShrinkStep } from './image-plan.ts';

/** Why an image is not taken. */
export type ImageRefusal = Extract<ImagePlan, { kind: 'refuse' }>['reason'] | 'unreadable';

/** The file as an attachment that fits beside those `taken`. */
export async function prepareImage(file: File, taken: readonly Attachment[]): Promise<Attachment | ImageRefusal> {
  const bytes = taken.reduce((sum, { data }) => sum + Math.ceil((data.length * 3) / 4), 0);
  const picture = await createImageBitmap(file).catch(() => null);
  const size = { width: picture?.width ?? 0, height: picture?.height ?? 0 };
  const plan = planImage({ type: file.type, bytes: file.size, ...size }, { bytes, count: taken.length });
  try {
    if (plan.kind === 'refuse') return plan.reason;
    if (picture === null) return 'unreadable';
    const blob = plan.kind === 'keep' ? file : await shrink(picture, plan.steps, IMAGE_BUDGET - bytes);
    if (blob === null) return 'room';
    return { type: 'image', mimeType: blob.type, data: await base64(blob), name: file.name.slice(0, 200) || null };
  } finally {
    picture?.close();
  }
}

async function shrink(picture: ImageBitmap, steps: readonly ShrinkStep[], room: number): Promise<Blob | null> {
  for (const { width, height, quality } of steps) {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    canvas.getContext('2d')?.drawImage(picture, 0, 0, width, height);
    // Safari has no WebP encoder and answers with PNG, which would not be smaller: JPEG then.
    const blob = (await encode(canvas, 'image/webp', quality)) ?? (await encode(canvas, 'image/jpeg', quality));
    if (blob !== null && blob.size <= room) return blob;
  }
  return null;
}

function encode(canvas: HTMLCanvasElement, type: string, quality: number): Promise<Blob | null> {
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob?.type === type ? blob : null), type, quality));
}

function base64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(',', 2)[1] ?? '');
    reader.onerror = () => reject(reader.error ?? new Error('The image could not be read'));
    reader.readAsDataURL(blob);
  });
}
