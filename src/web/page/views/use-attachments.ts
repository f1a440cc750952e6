/** Images that go with a message, from the clipboard, by drop or picked; made smaller where they must be. */
import { useEffect, useState } from 'preact/hooks';
import type { Attachment } from '../api/shapes.ts';
import { prepareImage } from '../model/image-shrinker.ts';
import { usePage } from '../parts/page-context.ts';

export function useAttachments() {
  const { t } = usePage().translator;
  const [items, setItems] = useState<readonly Attachment[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  const [working, setWorking] = useState(false);
  const add = async (files: readonly File[]) => {
    setProblem(null);
    setWorking(true);
    let taken = items;
    for (const file of files) {
      const prepared = await prepareImage(file, taken);
      if (typeof prepared === 'string') setProblem(t(`image.${prepared}`, { name: file.name }));
      else taken = [...taken, prepared];
      setItems(taken);
    }
    setWorking(false);
  };
  useFileDrop((files) => void add(files));
  return {
    items,
    problem,
    working,
    add: (files: readonly File[]) => void add(files),
    remove: (index: number) => setItems(items.toSpliced(index, 1)),
    clear: () => {
      setItems([]);
      setProblem(null);
    },
    restore: (attachments: readonly Attachment[]) => setItems(attachments),
  };
}

/** Files may be dropped anywhere on the page: a miss would make the browser leave it. */
function useFileDrop(onFiles: (files: readonly File[]) => void): void {
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const onDragOver = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      document.body.classList.add('dragging');
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) document.body.classList.remove('dragging');
    };
    const onDrop = (event: DragEvent) => {
      document.body.classList.remove('dragging');
      if (!hasFiles(event)) return;
      event.preventDefault();
      onFiles([...(event.dataTransfer?.files ?? [])]);
    };
    window.addEventListener('dragover', onDragOver);
    window.addEventListener('dragleave', onLeave);
    window.addEventListener('drop', onDrop);
    return () => {
      window.removeEventListener('dragover', onDragOver);
      window.removeEventListener('dragleave', onLeave);
      window.removeEventListener('drop', onDrop);
    };
  });
}
