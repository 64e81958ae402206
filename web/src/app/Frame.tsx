import { lazy, Suspense, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { InfoPanel } from '@/features/info/InfoPanel';
import { JobHotkeys } from '@/features/parameters/JobHotkeys';
import { LostBanner } from '@/features/system/Connection';
import { Console } from '@/features/system/Console';
import { show_newest } from '@/state/gallery_list';
import { usePreferences } from '@/state/preferences';
import { useQueueState } from '@/state/queries';
import { useSelection } from '@/state/selection';
import styles from './Frame.module.css';
import { useFrameHotkeys } from './frame_hotkeys';
import { Header, RunLine, type Opened } from './Header';
import { GalleryPane, SidePane } from './Panes';
import { tabs } from './tabs';

// Fetched when first opened.
const HotkeysDialog = lazy(async () => ({
  default: (await import('@/features/system/HotkeysDialog')).HotkeysDialog,
}));
const SettingsDialog = lazy(async () => ({
  default: (await import('@/features/system/SettingsDialog')).SettingsDialog,
}));
const SentDialog = lazy(async () => ({
  default: (await import('@/features/system/SentDialog')).SentDialog,
}));
const UsersDialog = lazy(async () => ({
  default: (await import('@/features/system/UsersDialog')).UsersDialog,
}));

/** The studio's frame: header, tabs, and up to three panes. */
export function Frame() {
  const { tab: name, show_console } = usePreferences();
  const [open, setOpen] = useState<Opened | null>(null);
  const tab = tabs.find((entry) => entry.name === name) ?? tabs[0];
  const info = useSelection((state) => state.info && state.current !== null && !state.lightbox);
  const sent = useSelection((state) => state.sent);
  useEffect(() => void show_newest(), []);
  // On phones the page scrolls as a whole: another tab begins at its top.
  const middle = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (middle.current) middle.current.scrollTop = 0;
  }, [name]);
  useFrameHotkeys(() => setOpen('hotkeys'));
  const close = () => setOpen(null);
  if (!tab) return null;

  return (
    <div className={styles.frame}>
      <RunLine />
      <Header tab={tab} onOpen={setOpen} />
      <LostBanner />
      <div ref={middle} className={styles.middle}>
        <Rail />
        <SidePane tab={tab} />
        <main className={styles.work} data-tab={tab.name}>
          <div
            className={styles.space}
            data-info={(info && !['image', 'queue'].includes(tab.name)) || undefined}
          >
            <Suspense>{tab.work()}</Suspense>
            {info && tab.name !== 'queue' && <InfoPanel />}
          </div>
        </main>
        <GalleryPane tab={tab} />
      </div>
      {show_console && <Console />}
      <JobHotkeys mode={tab.mode} />
      <Suspense>
        {open === 'settings' && <SettingsDialog onClose={close} />}
        {open === 'hotkeys' && <HotkeysDialog onClose={close} />}
        {open === 'users' && <UsersDialog onClose={close} />}
        {sent && <SentDialog request={sent} />}
      </Suspense>
    </div>
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
