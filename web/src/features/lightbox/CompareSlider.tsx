import { useRef, useState, type PointerEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { usePicture } from '@/state/queries';
import { picture_address } from '@/wire/client';
import styles from './Lightbox.module.css';

/** Two pictures one over the other, with a border that moves. */
export function CompareSlider({ left, right }: { left: string; right: string }) {
  const { t } = useTranslation();
  const [share, setShare] = useState(50);
  const frame = useRef<HTMLDivElement>(null);
  const size = usePicture(right).data;
  const shape = size ? size.width / size.height : 1;
  const slide = (event: PointerEvent) => {
    const box = frame.current?.getBoundingClientRect();
    if (!box || event.buttons === 0) return;
    setShare(Math.min(100, Math.max(0, ((event.clientX - box.left) / box.width) * 100)));
  };
  return (
    <div className={styles.compare}>
      <div
        ref={frame}
        className={styles.pair}
        style={{ aspectRatio: shape, width: `min(100cqw, ${shape * 100}cqh)` }}
        onPointerDown={slide}
        onPointerMove={slide}
      >
        <img
          src={picture_address(right, 'file')}
          alt={t('lightbox.right_picture')}
          draggable={false}
        />
        <img
          src={picture_address(left, 'file')}
          alt={t('lightbox.left_picture')}
          draggable={false}
          style={{ clipPath: `inset(0 ${100 - share}% 0 0)` }}
        />
        <i className={styles.border} style={{ left: `${share}%` }} />
      </div>
      <input
        type="range"
        aria-label={t('lightbox.border')}
        min={0}
        max={100}
        value={share}
        onChange={(event) => setShare(Number(event.target.value))}
      />
    </div>
  );
}
