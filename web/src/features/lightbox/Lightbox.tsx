import {
  ChevronLeft,
  ChevronRight,
  Columns2,
  FlipVertical2,
  RotateCcw,
  RotateCw,
  Scan,
  X,
  ZoomIn,
  ZoomOut,
} from 'lucide-react';
import { Dialog } from 'radix-ui';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { no_view } from '@/lib/view';
import { step_through } from '@/state/gallery_list';
import { useHotkeys } from '@/state/hotkeys';
import { usePicture } from '@/state/queries';
import { useSelection } from '@/state/selection';
import { picture_address } from '@/wire/client';
import { CompareSlider } from './CompareSlider';
import styles from './Lightbox.module.css';
import { useView, ZoomArea } from './ZoomArea';

const close = () => useSelection.setState({ lightbox: false, compare: null });

interface LightboxParts {
  info: ReactNode;
  /** What can be done with the picture. */
  actions: ReactNode;
}

/** The current picture over the whole page, with zoom; or two pictures, compared. */
export function Lightbox(parts: LightboxParts) {
  const { t } = useTranslation();
  const { lightbox, current } = useSelection();
  return (
    <Dialog.Root open={lightbox && current !== null} onOpenChange={(open) => !open && close()}>
      <Dialog.Portal>
        <Dialog.Content
          className={styles.lightbox}
          data-keys
          aria-describedby={undefined}
          onOpenAutoFocus={(event) => event.preventDefault()}
        >
          <Dialog.Title className="visually-hidden">{t('lightbox.label')}</Dialog.Title>
          {current && <Viewer key="viewer" name={current} {...parts} />}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Viewer({ name, info, actions }: LightboxParts & { name: string }) {
  const { t } = useTranslation();
  const compare = useSelection((state) => state.compare);
  const picture = usePicture(name).data;
  const { view, setView, zoom } = useView(name);
  const [previous, setPrevious] = useState<string | null>(null);
  const go = (distance: number) => {
    setPrevious(name);
    void step_through(distance);
  };
  useHotkeys({ viewer: close, previous: () => go(-1), next: () => go(1) });
  const turn = (angle: number) => setView({ ...view, angle: view.angle + angle });

  return (
    <>
      <div className={styles.tools} role="toolbar" aria-label={t('lightbox.tools')}>
        {!compare && (
          <>
            <IconButton
              data-zoom
              label={t('lightbox.in')}
              icon={<ZoomIn />}
              onClick={() => zoom(1.25)}
            />
            <IconButton
              data-zoom
              label={t('lightbox.out')}
              icon={<ZoomOut />}
              onClick={() => zoom(0.8)}
            />
            <IconButton label={t('lightbox.left')} icon={<RotateCcw />} onClick={() => turn(-90)} />
            <IconButton label={t('lightbox.right')} icon={<RotateCw />} onClick={() => turn(90)} />
            <IconButton
              label={t('lightbox.flip')}
              icon={<FlipVertical2 />}
              pressed={view.flipped}
              onClick={() => setView({ ...view, flipped: !view.flipped })}
            />
            <IconButton
              label={t('lightbox.reset')}
              icon={<Scan />}
              onClick={() => setView(no_view)}
            />
          </>
        )}
        <IconButton
          label={compare ? t('lightbox.single') : t('lightbox.compare_previous')}
          icon={<Columns2 />}
          pressed={compare !== null}
          disabled={!compare && (!previous || previous === name)}
          onClick={() => useSelection.setState({ compare: compare ? null : previous })}
        />
        <Dialog.Close asChild>
          <IconButton label={t('common.close')} icon={<X />} />
        </Dialog.Close>
      </div>
      {compare ? (
        <CompareSlider left={compare} right={name} />
      ) : (
        <ZoomArea
          source={picture_address(name, 'file')}
          alt={picture?.prompt || name}
          view={view}
          onChange={setView}
        />
      )}
      {!compare && (
        <>
          <div className={styles.previous}>
            <IconButton
              look="plain"
              label={t('hotkey.previous')}
              icon={<ChevronLeft />}
              onClick={() => go(-1)}
            />
          </div>
          <div className={styles.next}>
            <IconButton
              look="plain"
              label={t('hotkey.next')}
              icon={<ChevronRight />}
              onClick={() => go(1)}
            />
          </div>
        </>
      )}
      {!compare && <div className={styles.actions}>{actions}</div>}
      {info}
    </>
  );
}
