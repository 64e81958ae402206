import { Keyboard, PanelLeft, PanelRight, Settings, SquareTerminal } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { Account } from '@/features/system/Account';
import { Status } from '@/features/system/Connection';
import { Help } from '@/features/system/Help';
import { ModelChoice } from '@/features/system/ModelChoice';
import { useJobProgress } from '@/features/stage/LiveBar';
import { keys_of, type HotkeyName } from '@/state/hotkeys';
import { useNotices } from '@/state/notices';
import { usePreferences } from '@/state/preferences';
import { useApp, useQueueState } from '@/state/queries';
import styles from './Frame.module.css';
import type { Tab } from './tabs';

export type Opened = 'settings' | 'hotkeys' | 'users';

/** A thin line over the whole width: how far the running job is. */
export function RunLine() {
  const running = useQueueState().data?.running ?? null;
  const { share } = useJobProgress(running);
  return (
    <div className={styles.run} style={{ width: running ? `${(share ?? 0.02) * 100}%` : 0 }} />
  );
}

/** What goes for all tabs: the server's state, the model, the panels, settings. */
export function Header({ tab, onOpen }: { tab: Tab; onOpen(what: Opened): void }) {
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
          pressed={show_parameters && Boolean(tab.side)}
          disabled={!tab.side}
          onClick={() => change({ show_parameters: !show_parameters })}
        />
        <IconButton
          label={t('hotkey.toggle_gallery')}
          keys={keys('toggle_gallery')}
          icon={<PanelRight />}
          pressed={show_gallery && tab.with_gallery}
          disabled={!tab.with_gallery}
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
      <Help />
      <Account onUsers={() => onOpen('users')} />
      <IconButton
        label={t('settings.title')}
        icon={<Settings />}
        onClick={() => onOpen('settings')}
      />
    </header>
  );
}
