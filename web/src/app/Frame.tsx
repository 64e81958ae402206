import { Keyboard, PanelLeft, PanelRight, Settings, SquareTerminal } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { Splitter } from '@/components/Splitter';
import { class_names } from '@/lib/class_names';
import { Gallery } from '@/features/gallery/Gallery';
import { InfoPanel } from '@/features/info/InfoPanel';
import { LostBanner, Status } from '@/features/system/Connection';
import { Console } from '@/features/system/Console';
import { ModelChoice } from '@/features/system/ModelChoice';
import { useJobProgress } from '@/features/stage/LiveBar';
import { step_through } from '@/state/gallery_list';
import { keys_of, useHotkeys, type HotkeyName } from '@/state/hotkeys';
import { useNotices } from '@/state/notices';
import { gallery_widths, thumbnail_sizes, usePreferences } from '@/state/preferences';
import { useApp, useQueueState } from '@/state/queries';
import { useSelection } from '@/state/selection';
import styles from './Frame.module.css';
import { tabs, type Tab } from './tabs';

// Fetched when first opened.
const HotkeysDialog = lazy(async () => ({
  default: (await import('@/features/system/HotkeysDialog')).HotkeysDialog,
}));
const SettingsDialog = lazy(async () => ({
  default: (await import('@/features/system/SettingsDialog')).SettingsDialog,
}));

type Open = 'settings' | 'hotkeys' | null;

/** The studio's frame: header, tabs, and up to three panes. */
export function Frame() {
  const { t } = useTranslation();
  const preferences = usePreferences();
  const {
    tab: name,
    show_parameters,
    show_gallery,
    gallery_width,
    show_console,
    change,
  } = preferences;
  const [open, setOpen] = useState<Open>(null);
  const tab = tabs.find((entry) => entry.name === name) ?? tabs[0];
  const info = useSelection((state) => state.info && !state.lightbox);
  useFrameHotkeys(() => setOpen('hotkeys'));
  if (!tab) return null;

  return (
    <div className={styles.frame}>
      <RunLine />
      <Header panes={tab} onOpen={setOpen} />
      <LostBanner />
      <div className={styles.middle}>
        <Rail />
        {tab.side && show_parameters && (
          <aside
            className={class_names(styles.side, tab.name === 'gallery' && styles.narrow)}
            aria-label={t(tab.name === 'gallery' ? 'board.label' : 'frame.parameters')}
          >
            {tab.side()}
          </aside>
        )}
        <main className={styles.work} data-tab={tab.name}>
          <Suspense>{tab.work()}</Suspense>
          {info && tab.name !== 'queue' && <InfoPanel />}
        </main>
        {tab.with_gallery && show_gallery && (
          <>
            <Splitter
              label={t('frame.gallery_width')}
              value={gallery_width}
              {...gallery_widths}
              onChange={(width) => change({ gallery_width: width })}
            />
            <aside
              className={styles.gallery}
              style={{ width: gallery_width }}
              aria-label={t('tab.gallery')}
            >
              <Gallery large={false} />
            </aside>
          </>
        )}
      </div>
      {show_console && <Console />}
      <Suspense>
        {open === 'settings' && <SettingsDialog onClose={() => setOpen(null)} />}
        {open === 'hotkeys' && <HotkeysDialog onClose={() => setOpen(null)} />}
      </Suspense>
    </div>
  );
}

/** A thin line over the whole width: how far the running job is. */
function RunLine() {
  const running = useQueueState().data?.running ?? null;
  const { share } = useJobProgress(running);
  return (
    <div className={styles.run} style={{ width: running ? `${(share ?? 0.02) * 100}%` : 0 }} />
  );
}

function Header({ panes, onOpen }: { panes: Tab; onOpen(what: Open): void }) {
  const { t } = useTranslation();
  const { show_parameters, show_gallery, show_console, hotkeys, change } = usePreferences();
  const version = useApp().data?.version;
  const unseen = useNotices((state) => state.unseen_error);
  const keys = (hotkey: HotkeyName) => keys_of(hotkey, hotkeys);
  return (
    <header className={styles.header}>
      <h1 className={styles.logo}>
        Invoke<b>AI</b>
        <small>{version}</small>
      </h1>
      <Status />
      <i className={styles.push} />
      <ModelChoice />
      <span className={styles.panes}>
        <IconButton
          label={t('hotkey.toggle_parameters')}
          keys={keys('toggle_parameters')}
          icon={<PanelLeft />}
          pressed={show_parameters && Boolean(panes.side)}
          disabled={!panes.side}
          onClick={() => change({ show_parameters: !show_parameters })}
        />
        <IconButton
          label={t('hotkey.toggle_gallery')}
          keys={keys('toggle_gallery')}
          icon={<PanelRight />}
          pressed={show_gallery && panes.with_gallery}
          disabled={!panes.with_gallery}
          onClick={() => change({ show_gallery: !show_gallery })}
        />
        <IconButton
          label={t('hotkey.toggle_console')}
          keys={keys('toggle_console')}
          icon={<SquareTerminal />}
          pressed={show_console}
          className={unseen ? styles.unseen : undefined}
          onClick={() => change({ show_console: !show_console })}
        />
        <IconButton
          label={t('hotkeys.title')}
          keys={keys('show_hotkeys')}
          icon={<Keyboard />}
          onClick={() => onOpen('hotkeys')}
        />
      </span>
      <IconButton
        label={t('settings.title')}
        icon={<Settings />}
        onClick={() => onOpen('settings')}
      />
    </header>
  );
}

function Rail() {
  const { t } = useTranslation();
  const { tab: current, change } = usePreferences();
  const queue = useQueueState().data;
  const busy = (queue?.waiting ?? 0) + (queue?.running ? 1 : 0);
  return (
    <nav className={styles.rail} aria-label={t('frame.tabs')}>
      {tabs.map((tab) => (
        <button
          key={tab.name}
          type="button"
          aria-current={tab.name === current ? 'page' : undefined}
          onClick={() => change({ tab: tab.name })}
        >
          {tab.icon}
          <span>{t(`tab.${tab.name}`)}</span>
          {tab.name === 'queue' && busy > 0 && (
            <b aria-label={t('queue.busy', { count: busy })}>{busy}</b>
          )}
        </button>
      ))}
    </nav>
  );
}

function useFrameHotkeys(show_hotkeys: () => void): void {
  const { change, ...now } = usePreferences();
  const current = useSelection((state) => state.current);
  const resize = (pixels: number) =>
    change({
      thumbnail_size: Math.min(
        thumbnail_sizes.high,
        Math.max(thumbnail_sizes.low, now.thumbnail_size + pixels),
      ),
    });
  const both = now.show_parameters || now.show_gallery;
  useHotkeys({
    ...Object.fromEntries(tabs.map((tab) => [tab.hotkey, () => change({ tab: tab.name })])),
    toggle_parameters: () => change({ show_parameters: !now.show_parameters }),
    toggle_gallery: () => change({ show_gallery: !now.show_gallery }),
    toggle_panels: () => change({ show_parameters: !both, show_gallery: !both }),
    toggle_console: () => change({ show_console: !now.show_console }),
    show_hotkeys,
    viewer: () => current && useSelection.setState({ lightbox: true }),
    previous: () => void step_through(-1),
    next: () => void step_through(1),
    larger: () => resize(32),
    smaller: () => resize(-32),
  });
}
