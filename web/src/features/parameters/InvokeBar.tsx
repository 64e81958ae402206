import { Repeat, Sparkles, Square } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '@/components/Button';
import { Menu } from '@/components/Menu';
import { NumberField } from '@/components/NumberField';
import { useLoop } from '@/state/loop';
import { useParameters } from '@/state/parameters';
import { useSchema } from '@/state/queries';
import type { Mode } from '@/state/requests';
import styles from './Parameters.module.css';
import { cancel_now, draw, useObstacle, useRunning } from './running';

/** Number of pictures, the button that draws them, and the one that stops. */
export function InvokeBar({ mode }: { mode: Mode }) {
  const { t } = useTranslation();
  const reason = useObstacle(mode);
  const job = useRunning();
  const { loopback, cancel_after } = useLoop();
  const bounds = useSchema().data?.iterations;
  const iterations = useParameters((state) => Number(state.values.iterations ?? 1));
  const set = useParameters((state) => state.set);
  return (
    <div className={styles.invoke}>
      <div className={styles.count}>
        <NumberField
          label={t('setting.iterations.label')}
          value={iterations}
          bounds={{ low: 1, high: bounds?.high ?? null, whole: true }}
          step={1}
          onChange={(value) => set('iterations', value === 1 ? null : value)}
        />
      </div>
      <Button
        look="primary"
        className={styles.go}
        icon={<Sparkles />}
        disabled={reason !== null}
        hint={reason ?? t('invoke.hint')}
        onClick={() => draw(mode)}
      >
        {t('invoke.label')}
      </Button>
      {mode === 'image' && (
        <IconButton
          label={t('invoke.loopback')}
          icon={<Repeat />}
          pressed={loopback}
          onClick={() => useLoop.setState({ loopback: !loopback })}
        />
      )}
      {job && job.pictures > job.done + 1 ? (
        <Menu
          trigger={<IconButton look="danger" label={t('invoke.cancel')} icon={<Square />} />}
          items={[
            { label: t('invoke.cancel_now'), run: () => cancel_now(job.id) },
            {
              label: t(cancel_after === job.id ? 'invoke.go_on' : 'invoke.cancel_after'),
              run: () =>
                useLoop.setState({ cancel_after: cancel_after === job.id ? null : job.id }),
            },
          ]}
        />
      ) : (
        <IconButton
          look="danger"
          label={t('invoke.cancel')}
          icon={<Square />}
          disabled={!job}
          onClick={() => job && cancel_now(job.id)}
        />
      )}
    </div>
  );
}
