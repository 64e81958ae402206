import {
  Copy,
  Download,
  Info,
  Link,
  Maximize2,
  MessageSquareText,
  Share2,
  Sprout,
  Star,
  Trash2,
  Undo2,
  WandSparkles,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { Menu } from '@/components/Menu';
import {
  copy_picture,
  copy_text,
  download,
  set_starred,
  use_all,
  use_as_source,
  use_prompt,
  use_seed,
} from '@/state/actions';
import { ask_delete } from '@/state/deletion';
import { keys_of, useHotkeys, type HotkeyName } from '@/state/hotkeys';
import { usePreferences } from '@/state/preferences';
import { usePicture } from '@/state/queries';
import { useSelection } from '@/state/selection';
import { picture_address } from '@/wire/client';
import type { PictureDetails } from '@/wire/types';
import styles from './Stage.module.css';

/** The same for the current picture, beside work areas that do not show it themselves. */
export function CurrentActions() {
  const current = useSelection((state) => state.current);
  const { data } = usePicture(current);
  return current && data ? <PictureActions picture={data} /> : null;
}

/** Buttons and hotkeys for the current picture; star and delete are for all chosen ones. */
export function PictureActions({ picture }: { picture: PictureDetails }) {
  const { t } = useTranslation();
  const changed = usePreferences((state) => state.hotkeys);
  const keys = (name: HotkeyName) => keys_of(name, changed);
  const { info, lightbox, chosen } = useSelection();
  const names = chosen.includes(picture.name) ? chosen : [picture.name];
  const open = () => useSelection.setState({ lightbox: true });
  const toggle_info = () => useSelection.setState((old) => ({ info: !old.info }));
  const star = () => void set_starred(names, !picture.starred);
  const remove = () => ask_delete(names);
  const recallable = picture.recall !== null;

  useHotkeys({
    use_prompt: () => use_prompt(picture),
    use_seed: () => use_seed(picture),
    use_all: () => use_all(picture),
    send_to_image: () => use_as_source(picture),
    info: toggle_info,
    star,
    delete: remove,
  });

  return (
    <div className={styles.actions} role="toolbar" aria-label={t('picture.actions')}>
      <Menu
        trigger={<IconButton label={t('picture.send')} icon={<Share2 />} />}
        items={[
          {
            label: t('picture.to_image'),
            icon: <WandSparkles />,
            keys: keys('send_to_image'),
            run: () => use_as_source(picture),
          },
          'line',
          { label: t('picture.copy'), icon: <Copy />, run: () => void copy_picture(picture.name) },
          {
            label: t('picture.copy_link'),
            icon: <Link />,
            run: () => void copy_text(picture_address(picture.name, 'file')),
          },
          { label: t('picture.download'), icon: <Download />, run: () => download(picture.name) },
        ]}
      />
      {!lightbox && (
        <IconButton
          label={t('picture.open')}
          keys={keys('viewer')}
          icon={<Maximize2 />}
          onClick={open}
        />
      )}
      <i className={styles.gap} />
      <IconButton
        label={t('hotkey.use_prompt')}
        keys={keys('use_prompt')}
        icon={<MessageSquareText />}
        disabled={!recallable}
        onClick={() => use_prompt(picture)}
      />
      <IconButton
        label={t('hotkey.use_seed')}
        keys={keys('use_seed')}
        icon={<Sprout />}
        disabled={picture.seed === null}
        onClick={() => use_seed(picture)}
      />
      <IconButton
        label={t('hotkey.use_all')}
        keys={keys('use_all')}
        icon={<Undo2 />}
        disabled={!recallable}
        onClick={() => use_all(picture)}
      />
      <i className={styles.gap} />
      <IconButton
        label={t('hotkey.star')}
        keys={keys('star')}
        icon={<Star fill={picture.starred ? 'currentColor' : 'none'} />}
        pressed={picture.starred}
        onClick={star}
      />
      <IconButton
        label={t('hotkey.info')}
        keys={keys('info')}
        icon={<Info />}
        pressed={info}
        onClick={toggle_info}
      />
      <IconButton
        look="danger"
        label={t('hotkey.delete')}
        keys={keys('delete')}
        icon={<Trash2 />}
        onClick={remove}
      />
    </div>
  );
}
