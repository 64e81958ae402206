import { ChevronLeft, ChevronRight, Image as ImageIcon } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { Empty } from '@/components/Empty';
import { step_through } from '@/state/gallery_list';
import { useLive } from '@/state/live';
import { useQueueState, usePicture } from '@/state/queries';
import { useSelection } from '@/state/selection';
import { picture_address, ServerError } from '@/wire/client';
import { LiveBar } from './LiveBar';
import { PictureActions } from './PictureActions';
import styles from './Stage.module.css';

/** The last picture that was ready to be seen: nothing flashes between preview and result. */
function useReady(source: string | null): string | null {
  const [ready, setReady] = useState<string | null>(null);
  useEffect(() => {
    if (source === null) return;
    let wanted = true;
    const image = new Image();
    image.src = source;
    const show = () => wanted && setReady(source);
    image.decode().then(show, show);
    return () => {
      wanted = false;
    };
  }, [source]);
  return source === null ? null : ready;
}

/** What the work area is to show: the preview of a running job, or the current picture. */
export function useShown() {
  const { current, watching } = useSelection();
  const preview = useLive((state) => state.preview);
  const live = watching && preview !== null;
  const source = live ? preview.image : current && picture_address(current, 'file');
  // Previews are small files: they stand as large as the picture they become.
  return { live, source, width: live ? preview.width : null };
}

const least_width = '24rem';

function shown_width(pixels: number | undefined): string {
  return `max(${least_width}, ${pixels ?? 0}px)`;
}

/** The work area: the picture of the moment with what can be done with it. */
export function Stage({ guide }: { guide?: React.ReactNode }) {
  const { t } = useTranslation();
  const current = useSelection((state) => state.current);
  const { live, source, width } = useShown();
  const ready = useReady(source);
  const { data: details, error } = usePicture(current);
  const gone = !live && error instanceof ServerError && error.code === 'not_found';
  const running = useQueueState().data?.running ?? null;

  return (
    <section className={styles.stage} aria-label={t('stage.label')}>
      <div className={styles.bar}>
        {details && current ? <PictureActions picture={details} /> : <span />}
      </div>
      <div className={styles.work}>
        {ready && !gone ? (
          <img
            className={styles.picture}
            src={ready}
            alt={live ? t('stage.preview') : details?.prompt || t('stage.label')}
            data-live={live || undefined}
            style={{ width: shown_width(width ?? details?.width) }}
            draggable={!live}
            onDragStart={(event) =>
              current &&
              event.dataTransfer.setData('application/x-pictures', JSON.stringify([current]))
            }
            onDoubleClick={() => current && useSelection.setState({ lightbox: true })}
          />
        ) : (
          ((source === null || gone) &&
            (guide ?? <Empty icon={<ImageIcon />} title={t('stage.empty')} />)) ||
          null
        )}
        {current && !live && !gone && (
          <>
            <div className={styles.previous}>
              <IconButton
                look="plain"
                label={t('hotkey.previous')}
                icon={<ChevronLeft />}
                onClick={() => void step_through(-1)}
              />
            </div>
            <div className={styles.next}>
              <IconButton
                look="plain"
                label={t('hotkey.next')}
                icon={<ChevronRight />}
                onClick={() => void step_through(1)}
              />
            </div>
          </>
        )}
      </div>
      {running && <LiveBar job={running} live={live} />}
    </section>
  );
}
