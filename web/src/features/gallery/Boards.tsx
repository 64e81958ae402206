import { Archive, Folder, FolderPlus, Images, Pencil, Star, Trash2 } from 'lucide-react';
import { useState, type DragEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '@/components/Button';
import { Dialog } from '@/components/Dialog';
import { Menu } from '@/components/Menu';
import { class_names } from '@/lib/class_names';
import { attempt, put_on_board, set_starred } from '@/state/actions';
import { gallery_changed, useBoards } from '@/state/queries';
import { useSelection } from '@/state/selection';
import { client } from '@/wire/client';
import type { Board } from '@/wire/types';
import { Bin } from './Bin';
import styles from './Boards.module.css';

/** The names of dragged pictures, or none if something else is dragged. */
function dragged(event: DragEvent): string[] {
  const text = event.dataTransfer.getData('application/x-pictures');
  return text === '' ? [] : (JSON.parse(text) as string[]);
}

/** Places to look at: all pictures, the starred ones, each board; pictures can be dropped on them. */
export function Boards({ tools }: { tools?: ReactNode }) {
  const { t } = useTranslation();
  const boards = useBoards().data ?? [];
  const { filter } = useSelection();
  const [naming, setNaming] = useState<Board | 'new' | null>(null);
  const [bin, setBin] = useState(false);
  const look = (part: { board?: string; starred?: boolean }) =>
    useSelection.setState((old) => ({
      category: 'all',
      filter: { ...old.filter, board: undefined, starred: undefined, ...part },
    }));
  const remove = (board: Board) =>
    void attempt(async () => {
      await client.remove_board(board.id);
      if (filter.board === board.id) look({});
      gallery_changed();
    });

  return (
    <nav className={styles.boards} aria-label={t('board.label')}>
      <ul>
        <Place
          icon={<Images />}
          label={t('board.all')}
          active={!filter.board && !filter.starred}
          onLook={() => look({})}
          onDrop={(names) => void put_on_board(names, null)}
        />
        <Place
          icon={<Star />}
          label={t('gallery.starred')}
          active={filter.starred === true}
          onLook={() => look({ starred: true })}
          onDrop={(names) => void set_starred(names, true)}
        />
      </ul>
      <header>
        <h2>{t('board.label')}</h2>
        <IconButton
          small
          label={t('board.new')}
          icon={<FolderPlus />}
          onClick={() => setNaming('new')}
        />
      </header>
      <ul className={styles.list}>
        {boards.map((board) => (
          <Place
            key={board.id}
            icon={<Folder />}
            label={board.name}
            count={board.pictures}
            active={filter.board === board.id}
            onLook={() => look({ board: board.id })}
            onDrop={(names) => void put_on_board(names, board.id)}
            menu={
              <Menu
                trigger={
                  <IconButton
                    small
                    label={t('board.change', { name: board.name })}
                    icon={<Pencil />}
                  />
                }
                items={[
                  { label: t('board.rename'), icon: <Pencil />, run: () => setNaming(board) },
                  {
                    label: t('board.delete'),
                    icon: <Trash2 />,
                    danger: true,
                    run: () => remove(board),
                  },
                ]}
              />
            }
          />
        ))}
        {boards.length === 0 && <li className={styles.hint}>{t('board.hint')}</li>}
      </ul>
      <footer>
        <Button look="ghost" icon={<Archive />} onClick={() => setBin(true)}>
          {t('bin.title')}
        </Button>
        {tools}
      </footer>
      {naming && <NameDialog board={naming} onClose={() => setNaming(null)} />}
      {bin && <Bin onClose={() => setBin(false)} />}
    </nav>
  );
}

interface PlaceProps {
  icon: ReactNode;
  label: string;
  count?: number;
  active: boolean;
  menu?: ReactNode;
  onLook(): void;
  onDrop(names: string[]): void;
}

function Place({ icon, label, count, active, menu, onLook, onDrop }: PlaceProps) {
  const [over, setOver] = useState(false);
  return (
    <li
      className={class_names(styles.place, active && styles.active, over && styles.over)}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes('application/x-pictures')) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        const names = dragged(event);
        if (names.length === 0) return;
        event.preventDefault();
        onDrop(names);
      }}
    >
      <button type="button" aria-current={active || undefined} onClick={onLook}>
        {icon}
        <span>{label}</span>
        {count !== undefined && <small>{count}</small>}
      </button>
      {menu}
    </li>
  );
}

function NameDialog({ board, onClose }: { board: Board | 'new'; onClose(): void }) {
  const { t } = useTranslation();
  const [name, setName] = useState(board === 'new' ? '' : board.name);
  const ready = name.trim() !== '';
  const save = () =>
    void attempt(async () => {
      if (board === 'new') await client.create_board(name.trim());
      else await client.rename_board(board.id, name.trim());
      gallery_changed();
      onClose();
    });
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={board === 'new' ? t('board.new') : t('board.rename')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="primary" disabled={!ready} onClick={save}>
            {t('common.save')}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) save();
        }}
      >
        <input
          data-focus
          className={styles.name}
          aria-label={t('board.name')}
          placeholder={t('board.name')}
          value={name}
          maxLength={100}
          onChange={(event) => setName(event.target.value)}
        />
      </form>
    </Dialog>
  );
}
