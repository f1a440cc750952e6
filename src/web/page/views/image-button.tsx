import { useRef } from 'preact/hooks';
import { IMAGE_TYPES } from '../model/image-plan.ts';
import { Icon } from '../parts/icon.tsx';
import { useText } from '../parts/page-context.ts';

/** Picks images; only where the chosen model can see them. */
export function ImageButton({ onFiles, allowed }: { onFiles: (files: readonly File[]) => void; allowed: boolean }) {
  const t = useText();
  const input = useRef<HTMLInputElement>(null);
  const label = allowed ? t('addImage') : t('addImageNoVision');
  return (
    <>
      <button
        type="button"
        class="button ghost square"
        aria-label={label}
        title={label}
        disabled={!allowed}
        onClick={() => input.current?.click()}
      >
        <Icon name="image" />
      </button>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        accept={IMAGE_TYPES.join(',')}
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = ''; // The same file may be picked again.
        }}
      />
    </>
  );
}
