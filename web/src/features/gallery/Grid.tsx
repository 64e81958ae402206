import { useQueries } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { Images, SearchX, X } from 'lucide-react';
import { useEffect, useRef, useState, type KeyboardEvent, type SyntheticEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { Empty } from '@/components/Empty';
import { ContextMenuArea } from '@/components/Menu';
import {
  known_index,
  page_query,
  page_size,
  step_through,
  useCount,
  useFilter,
} from '@/state/gallery_list';
import { usePreferences } from '@/state/preferences';
import { useSelection } from '@/state/selection';
import type { Picture } from '@/wire/types';
import styles from './Gallery.module.css';
import { usePictureMenu } from './picture_menu';
import { Thumb } from './Thumb';

const gap = 4; // pixels between thumbnails
const least_roomy = 64; // pixels of a thumbnail
const rows_beyond = 3; // rows kept ready above and below

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return { box, width };
}

/** All pictures of the filter; only those in sight exist in the page, however many there are. */
export function Grid({ large }: { large: boolean }) {
  const { t } = useTranslation();
  const { box, width } = useWidth();
  const filter = useFilter();
  const count = useCount(filter);
  const total = count.data ?? 0;
  const { thumbnail_size, single_column } = usePreferences();
  const size = large ? thumbnail_size * 1.5 : thumbnail_size;
  const single = single_column && !large;
  const columns = single ? 1 : Math.max(1, Math.floor((width + gap) / (size + gap)));
  const cell = Math.max(1, (width - gap * (columns - 1)) / columns);

  // eslint-disable-next-line react-hooks/incompatible-library
  const virtualizer = useVirtualizer({
    count: Math.ceil(total / columns),
    getScrollElement: () => box.current,
    estimateSize: () => cell + gap,
    overscan: rows_beyond,
  });
  useEffect(() => virtualizer.measure(), [virtualizer, cell]);

  const rows = virtualizer.getVirtualItems();
  const first = (rows[0]?.index ?? 0) * columns;
  const last = Math.min(total, ((rows.at(-1)?.index ?? -1) + 1) * columns) - 1;
  const pages =
    width === 0 || total === 0
      ? []
      : range(Math.floor(first / page_size), Math.floor(last / page_size));
  const loaded = useQueries({ queries: pages.map((page) => page_query(filter, page)) });
  const pick = (index: number): Picture | undefined =>
    loaded[Math.floor(index / page_size) - (pages[0] ?? 0)]?.data?.images[index % page_size];

  // The current picture is brought into sight when it is chosen elsewhere.
  const current = useSelection((state) => state.current);
  const known = current ? known_index(filter, current) : null;
  useEffect(() => {
    if (known !== null) virtualizer.scrollToIndex(Math.floor(known / columns), { align: 'auto' });
    // Only when the choice changes: scrolling freely must stay possible.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [current]);

  const arrows = (event: KeyboardEvent) => {
    const way = { ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (!way || event.shiftKey) return;
    event.preventDefault();
    void step_through(way);
  };

  // One menu for all thumbnails: one for each would take most of the time of scrolling.
  const menu = usePictureMenu();
  const under = useRef<Picture | undefined>(undefined);
  const note_picture = (event: SyntheticEvent) => {
    const thumb = (event.target as Element).closest<HTMLElement>('[data-thumb]');
    const pictures = loaded.flatMap((page) => page.data?.images ?? []);
    under.current = pictures.find((picture) => picture.name === thumb?.dataset.thumb);
    return under.current !== undefined;
  };

  return (
    <ContextMenuArea items={() => (under.current ? menu(under.current) : [])}>
      {/* Keys and menu belong to the buttons inside; they are caught here once for all of them. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        className={styles.grid}
        ref={box}
        role="group"
        aria-label={t('gallery.label')}
        onKeyDown={arrows}
        onPointerDownCapture={(event) => {
          if (!note_picture(event) && event.pointerType !== 'mouse') event.preventDefault();
        }}
        onContextMenuCapture={(event) => {
          if (!note_picture(event)) event.preventDefault();
        }}
      >
        {count.isSuccess && total === 0 && <Nothing />}
        <div className={styles.canvas} style={{ height: virtualizer.getTotalSize() }}>
          {rows.map((row) => (
            <div
              key={row.key}
              className={styles.row}
              style={{
                height: cell,
                gap,
                gridTemplateColumns: `repeat(${columns}, ${cell}px)`,
                transform: `translateY(${row.start}px)`,
              }}
            >
              {range(row.index * columns, Math.min(total, (row.index + 1) * columns) - 1).map(
                (index) => (
                  <Thumb
                    key={pick(index)?.name ?? index}
                    picture={pick(index)}
                    index={index}
                    opens={large}
                    roomy={cell >= least_roomy}
                    reachable={index === (known ?? first)}
                  />
                ),
              )}
            </div>
          ))}
        </div>
      </div>
    </ContextMenuArea>
  );
}

/** Says why the list is empty: there is nothing yet, or nothing fits what is looked for. */
function Nothing() {
  const { t } = useTranslation();
  const { board, starred, ...looked_for } = useFilter();
  if (!looked_for.search && !looked_for.model && !looked_for.sampler) {
    return (
      <Empty icon={<Images />} title={t('gallery.empty')}>
        {!board && !starred && <p>{t('gallery.empty_text')}</p>}
      </Empty>
    );
  }
  return (
    <Empty icon={<SearchX />} title={t('gallery.no_match')}>
      <Button small icon={<X />} onClick={() => useSelection.setState({ filter: {} })}>
        {t('gallery.show_all')}
      </Button>
    </Empty>
  );
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, offset) => from + offset);
}
