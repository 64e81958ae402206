import { Columns2, Download, FolderInput, Star, Trash2, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { Menu } from '@/components/Menu';
import { download, put_on_board, set_starred } from '@/state/actions';
import { ask_delete } from '@/state/deletion';
import { useBoards } from '@/state/queries';
import { show_picture, useSelection } from '@/state/selection';
import styles from './Gallery.module.css';

/** What can be done with several chosen pictures; with one, what `single` offers. */
export function Chosen({ single }: { single?: ReactNode }) {
  const { t } = useTranslation();
  const chosen = useSelection((state) => state.chosen);
  const boards = useBoards().data ?? [];
  if (chosen.length < 2) return single ? <div className={styles.one_bar}>{single}</div> : null;
  const compare = () => {
    const [one, two] = chosen;
    show_picture(one ?? null);
    useSelection.setState({ compare: two ?? null, lightbox: true });
  };
  return (
    <div
      className={styles.chosen_bar}
      role="toolbar"
      aria-label={t('gallery.chosen', { count: chosen.length })}
    >
      <span>{t('gallery.chosen', { count: chosen.length })}</span>
      {chosen.length === 2 && (
        <IconButton small label={t('picture.compare')} icon={<Columns2 />} onClick={compare} />
      )}
      <IconButton
        small
        label={t('picture.star')}
        icon={<Star />}
        onClick={() => void set_starred(chosen, true)}
      />
      <Menu
        trigger={<IconButton small label={t('picture.to_board')} icon={<FolderInput />} />}
        items={[
          { label: t('board.none'), run: () => void put_on_board(chosen, null) },
          ...boards.map((board) => ({
            label: board.name,
            run: () => void put_on_board(chosen, board.id),
          })),
        ]}
      />
      <IconButton
        small
        label={t('picture.download')}
        icon={<Download />}
        onClick={() => chosen.forEach(download)}
      />
      <IconButton
        small
        look="danger"
        label={t('picture.delete', { count: chosen.length })}
        icon={<Trash2 />}
        onClick={() => ask_delete(chosen)}
      />
      <IconButton
        small
        label={t('gallery.choose_none')}
        icon={<X />}
        onClick={() => useSelection.setState({ chosen: [] })}
      />
    </div>
  );
}
