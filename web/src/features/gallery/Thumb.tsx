import { Star, Trash2 } from 'lucide-react';
import { memo, useEffect, useRef, useState, type DragEvent, type MouseEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { class_names } from '@/lib/class_names';
import { file_name } from '@/lib/format';
import { usePreferences } from '@/state/preferences';
import { ask_delete } from '@/state/deletion';
import { show_picture, useSelection } from '@/state/selection';
import { picture_address } from '@/wire/client';
import type { Picture } from '@/wire/types';
import { choose } from './choosing';
import styles from './Gallery.module.css';

interface ThumbProps {
  picture: Picture | undefined;
  index: number;
  /** The one that Tab reaches; arrow keys go on from it. */
  reachable: boolean;
  /** In the tab of its own a tap opens the viewer, as there is no work area beside it. */
  opens: boolean;
  /** Large enough for a button that deletes, while the mouse is over it. */
  roomy: boolean;
}

/** One picture of the grid: click shows it, with Ctrl or Shift several are chosen. */
export const Thumb = memo(function Thumb(props: ThumbProps) {
  const { picture, index, reachable, opens, roomy } = props;
  const [over, setOver] = useState(false);
  const current = useSelection((state) => state.current === picture?.name);
  const chosen = useSelection(
    (state) => picture !== undefined && state.chosen.includes(picture.name),
  );
  const whole = usePreferences((state) => state.whole_thumbnails);
  const button = useRef<HTMLButtonElement>(null);

  // Keyboard focus follows the choice while it is in the grid.
  useEffect(() => {
    const focused = document.activeElement;
    if (current && focused instanceof HTMLElement && focused.dataset.thumb) button.current?.focus();
  }, [current]);

  if (!picture) return <div className={styles.blank} />;
  const click = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey)
      choose(picture.name, index, event.shiftKey);
    else {
      show_picture(picture.name, index);
      const tap = opens && matchMedia('(pointer: coarse)').matches;
      if (tap) useSelection.setState({ lightbox: true });
    }
  };
  const drag = (event: DragEvent) => {
    const { chosen: all } = useSelection.getState();
    const names = all.includes(picture.name) ? all : [picture.name];
    event.dataTransfer.setData('application/x-pictures', JSON.stringify(names));
    event.dataTransfer.effectAllowed = 'copyMove';
  };

  return (
    <div
      className={styles.cell}
      onPointerEnter={(event) => setOver(event.pointerType === 'mouse')}
      onPointerLeave={() => setOver(false)}
    >
      <button
        type="button"
        ref={button}
        data-thumb={picture.name}
        className={class_names(styles.thumb, current && styles.current, chosen && styles.chosen)}
        aria-label={picture.prompt || file_name(picture.name)}
        aria-pressed={chosen}
        tabIndex={reachable || current ? 0 : -1}
        draggable
        onDragStart={drag}
        onClick={click}
        onDoubleClick={() => useSelection.setState({ lightbox: true })}
      >
        <img
          src={picture_address(picture.name, 'thumbnail')}
          alt=""
          draggable={false}
          decoding="async"
          style={{ objectFit: whole ? 'contain' : 'cover' }}
        />
        {picture.starred && <Starred />}
      </button>
      {over && roomy && <Delete name={picture.name} />}
    </div>
  );
});

// Texts are looked up where they are shown alone: a row of thumbnails is made in each third frame.

function Starred() {
  const { t } = useTranslation();
  return <Star className={styles.star} aria-label={t('gallery.starred')} />;
}

function Delete({ name }: { name: string }) {
  const { t } = useTranslation();
  return (
    <button
      type="button"
      className={styles.trash}
      aria-label={t('picture.delete', { count: 1 })}
      tabIndex={-1}
      onClick={() => ask_delete([name])}
    >
      <Trash2 />
    </button>
  );
}
