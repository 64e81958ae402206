import { ImagePlus, Trash2, Upload } from 'lucide-react';
import { useRef, useState, type DragEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '@/components/Button';
import { class_names } from '@/lib/class_names';
import { attempt, upload_pictures, use_as_source } from '@/state/actions';
import { useParameters } from '@/state/parameters';
import { client } from '@/wire/client';
import { MaskPainter } from './MaskPainter';
import styles from './Mask.module.css';

async function take(event: DragEvent): Promise<void> {
  const names = event.dataTransfer.getData('application/x-pictures');
  if (names !== '') {
    const [name] = JSON.parse(names) as string[];
    const picture = await attempt(() => client.picture(name ?? ''));
    if (picture) use_as_source(picture);
    return;
  }
  const [stored] = await upload_pictures([...event.dataTransfer.files].slice(0, 1));
  if (stored) use_as_source(stored);
}

/** Image to image: the picture to start from with its mask, and beside it the result. */
export function SourceArea({ result }: { result: ReactNode }) {
  const { t } = useTranslation();
  const source = useParameters((state) => state.source);
  const [over, setOver] = useState(false);
  return (
    <div className={styles.area}>
      <section
        className={class_names(styles.source, over && styles.over)}
        aria-label={t('source.label')}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault(); // the page's own drop zone leaves it alone
          setOver(false);
          void take(event);
        }}
      >
        {source ? (
          <MaskPainter key={source.name} source={source} tools={<SourceTools />} />
        ) : (
          <NoSource />
        )}
      </section>
      <div className={styles.result}>{result}</div>
    </div>
  );
}

function useUpload() {
  const input = useRef<HTMLInputElement>(null);
  const field = (
    <input
      ref={input}
      type="file"
      hidden
      accept="image/png,image/jpeg,image/webp"
      onChange={(event) => {
        const files = [...(event.target.files ?? [])];
        event.target.value = '';
        void upload_pictures(files).then(([stored]) => stored && use_as_source(stored));
      }}
    />
  );
  return { field, open: () => input.current?.click() };
}

function NoSource() {
  const { t } = useTranslation();
  const { field, open } = useUpload();
  return (
    <div className={styles.none}>
      {field}
      <ImagePlus />
      <p>{t('source.none')}</p>
      <Button icon={<Upload />} onClick={open}>
        {t('source.upload')}
      </Button>
    </div>
  );
}

function SourceTools() {
  const { t } = useTranslation();
  const change = useParameters((state) => state.change);
  const { field, open } = useUpload();
  return (
    <>
      {field}
      <IconButton label={t('source.replace')} icon={<Upload />} onClick={open} />
      <IconButton
        label={t('source.remove')}
        icon={<Trash2 />}
        onClick={() => change({ source: null, strokes: [] })}
      />
    </>
  );
}
