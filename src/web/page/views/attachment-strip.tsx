import type { Attachment } from '../api/shapes.ts';
import { Icon } from '../parts/icon.tsx';
import { useText } from '../parts/page-context.ts';

interface StripProps {
  attachments: readonly Attachment[];
  onRemove: (index: number) => void;
}

/** The images that will go with the message. */
export function AttachmentStrip({ attachments, onRemove }: StripProps) {
  const t = useText();
  if (attachments.length === 0) return null;
  return (
    <ul class="strip" aria-label={t('images')}>
      {attachments.map(({ mimeType, data, name }, index) => {
        const label = name ?? t('image', { number: index + 1 });
        return (
          <li key={`${index}${label}`}>
            <img src={`data:${mimeType};base64,${data}`} alt={label} />
            <button
              type="button"
              class="button square small"
              aria-label={t('removeImage', { name: label })}
              onClick={() => onRemove(index)}
            >
              <Icon name="close" />
            </button>
          </li>
        );
      })}
    </ul>
  );
}
