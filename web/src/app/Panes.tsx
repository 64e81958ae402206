import { PanelLeftOpen, PanelRightOpen } from 'lucide-react';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { Drawer } from '@/components/Drawer';
import { side_by_side, useMedia } from '@/components/media';
import { Splitter } from '@/components/Splitter';
import { Gallery } from '@/features/gallery/Gallery';
import { EdgeInvoke } from '@/features/parameters/EdgeInvoke';
import { class_names } from '@/lib/class_names';
import { keys_of, type HotkeyName } from '@/state/hotkeys';
import { gallery_widths, usePreferences } from '@/state/preferences';
import styles from './Frame.module.css';
import { PinButton } from './PinButton';
import type { Tab } from './tabs';

/** The panel at the left of a tab, or the buttons that stand for it while it is closed. */
export function SidePane({ tab }: { tab: Tab }) {
  const { t } = useTranslation();
  const { show_parameters, pin_parameters, change } = usePreferences();
  const wide = useMedia(side_by_side);
  const close = useCallback(() => change({ show_parameters: false }), [change]);
  if (!tab.side) return null;
  if (!show_parameters && wide) return <Edge tab={tab} side="left" />;
  const boards = tab.name === 'gallery';
  return (
    <Drawer
      side="left"
      label={t(boards ? 'board.label' : 'frame.parameters')}
      pinned={pin_parameters || !wide}
      className={class_names(styles.side, boards && styles.narrow)}
      onClose={close}
    >
      {tab.side()}
    </Drawer>
  );
}

/** The gallery at the right. */
export function GalleryPane({ tab }: { tab: Tab }) {
  const { t } = useTranslation();
  const { show_gallery, pin_gallery, gallery_width, change } = usePreferences();
  const wide = useMedia(side_by_side);
  const close = useCallback(() => change({ show_gallery: false }), [change]);
  if (!tab.with_gallery || !wide) return null;
  if (!show_gallery) return <Edge tab={tab} side="right" />;
  return (
    <Drawer
      side="right"
      label={t('tab.gallery')}
      pinned={pin_gallery}
      className={styles.gallery}
      style={{ width: gallery_width }}
      onClose={close}
    >
      <Splitter
        label={t('frame.gallery_width')}
        side="left"
        value={gallery_width}
        {...gallery_widths}
        onChange={(width) => change({ gallery_width: width })}
      />
      <Gallery large={false} tools={<PinButton name="pin_gallery" />} />
    </Drawer>
  );
}

/** At the edge of the work area while a panel is closed: it opens again; Invoke stays in reach. */
function Edge({ tab, side }: { tab: Tab; side: 'left' | 'right' }) {
  const { t } = useTranslation();
  const { hotkeys, change } = usePreferences();
  const name: HotkeyName = side === 'left' ? 'toggle_parameters' : 'toggle_gallery';
  const open = () => change(side === 'left' ? { show_parameters: true } : { show_gallery: true });
  return (
    <div className={styles.edge} data-side={side}>
      <IconButton
        look="plain"
        label={t(`hotkey.${name}`)}
        keys={keys_of(name, hotkeys)}
        icon={side === 'left' ? <PanelLeftOpen /> : <PanelRightOpen />}
        onClick={open}
      />
      {side === 'left' && tab.mode && <EdgeInvoke mode={tab.mode} />}
    </div>
  );
}
