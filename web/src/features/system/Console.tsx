import { ArrowDownToLine, Eraser, X } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { Splitter } from '@/components/Splitter';
import { clock } from '@/lib/format';
import { useNotices } from '@/state/notices';
import { console_heights, usePreferences } from '@/state/preferences';
import styles from './System.module.css';

/** What happened, line by line, newest at the bottom. */
export function Console() {
  const { t, i18n } = useTranslation();
  const { log, seen, clear } = useNotices();
  const { follow_console, console_height, change } = usePreferences();
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (follow_console) end.current?.scrollIntoView({ block: 'nearest' });
    seen();
  }, [log, seen, follow_console]);
  return (
    <section
      className={styles.console}
      style={{ height: console_height }}
      aria-label={t('console.title')}
    >
      <Splitter
        label={t('console.height')}
        side="top"
        value={console_height}
        {...console_heights}
        onChange={(height) => change({ console_height: height })}
      />
      <header>
        <h2>{t('console.title')}</h2>
        <IconButton
          small
          label={t('console.follow')}
          icon={<ArrowDownToLine />}
          pressed={follow_console}
          onClick={() => change({ follow_console: !follow_console })}
        />
        <IconButton small label={t('console.clear')} icon={<Eraser />} onClick={clear} />
        <IconButton
          small
          label={t('common.close')}
          icon={<X />}
          onClick={() => change({ show_console: false })}
        />
      </header>
      {/* Scrollable text must be reachable with the keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={styles.lines} tabIndex={0} role="log" aria-label={t('console.title')}>
        {log.length === 0 && <p>{t('console.empty')}</p>}
        {log.map((line) => (
          <p key={line.id} data-level={line.level}>
            <time>{clock(line.time, i18n.language)}</time> {line.text}
          </p>
        ))}
        <div ref={end} />
      </div>
    </section>
  );
}
