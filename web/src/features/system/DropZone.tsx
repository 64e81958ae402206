import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { upload_pictures, use_as_source } from '@/state/actions';
import { usePreferences } from '@/state/preferences';
import { show_picture, useSelection } from '@/state/selection';
import styles from './System.module.css';

/** An upload is shown; in image to image it becomes the picture to start from. */
async function take(files: File[]): Promise<void> {
  const stored = await upload_pictures(files);
  const [first] = stored;
  if (!first) return;
  if (usePreferences.getState().tab === 'image') use_as_source(first);
  else {
    useSelection.setState({ category: 'upload' });
    show_picture(first.name, 0);
  }
}

/** Pictures dropped anywhere on the page, or pasted, are uploaded. */
export function DropZone() {
  const { t } = useTranslation();
  const [over, setOver] = useState(false);
  useEffect(() => {
    const with_files = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const enter = (event: DragEvent) => {
      if (!with_files(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent) => {
      setOver(false);
      if (!with_files(event) || event.defaultPrevented) return;
      event.preventDefault();
      void take([...(event.dataTransfer?.files ?? [])]);
    };
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length > 0) void take(files);
    };
    window.addEventListener('dragover', enter);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    window.addEventListener('paste', paste);
    return () => {
      window.removeEventListener('dragover', enter);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', drop);
      window.removeEventListener('paste', paste);
    };
  }, []);
  if (!over) return null;
  return <div className={styles.drop}>{t('drop.text')}</div>;
}
