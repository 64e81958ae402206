import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { useLive } from '@/state/live';
import { useApp, useQueueState } from '@/state/queries';
import styles from './System.module.css';

/** One word about the server, with a coloured dot. */
export function Status() {
  const { t } = useTranslation();
  const connection = useLive((state) => state.connection);
  const engine = useApp().data?.engine;
  const queue = useQueueState().data;
  let [text, level] = [t('status.ready'), 'good'];
  if (connection === 'connecting') [text, level] = [t('status.connecting'), 'warn'];
  else if (connection === 'lost') [text, level] = [t('status.lost'), 'bad'];
  else if (engine?.state === 'failed') [text, level] = [t('status.failed'), 'bad'];
  else if (engine?.state === 'starting' || engine?.state === 'loading') {
    [text, level] = [t(`status.${engine.state}`), 'warn'];
  } else if (queue?.running) [text, level] = [t('status.drawing'), 'warn'];
  else if (queue?.paused) [text, level] = [t('queue.paused'), 'warn'];
  return (
    <span
      className={styles.status}
      data-level={level}
      role="status"
      title={engine?.message || undefined}
    >
      <i aria-hidden />
      <span>{text}</span>
    </span>
  );
}

/** Said over the whole width while the server cannot be reached. */
export function LostBanner() {
  const { t } = useTranslation();
  const { connection, retry } = useLive();
  if (connection !== 'lost') return null;
  return (
    <div className={styles.banner} role="alert">
      {t('connection.lost')}
      <Button small onClick={retry}>
        {t('connection.retry')}
      </Button>
    </div>
  );
}
