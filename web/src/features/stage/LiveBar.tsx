import { Eye } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { duration } from '@/lib/format';
import { useLive } from '@/state/live';
import { useJobs } from '@/state/queries';
import { useSelection } from '@/state/selection';
import styles from './Stage.module.css';

/** Share of a job that is done, from 0 to 1; null before its first step. */
export function useJobProgress(id: string | null) {
  const progress = useLive((state) => (id ? state.progress[id] : undefined));
  if (!progress || progress.steps === 0) return { share: null, progress };
  const share =
    (progress.picture + progress.step / progress.steps) / Math.max(1, progress.pictures);
  return { share: Math.min(1, share), progress };
}

/** How far the running job is. */
export function LiveBar({ job, live }: { job: string; live: boolean }) {
  const { t } = useTranslation();
  const { share, progress } = useJobProgress(job);
  const stopping = useJobs().data?.[job]?.cancel_requested;
  const preview = useLive((state) => state.preview);
  return (
    <div className={styles.live}>
      {!live && preview && (
        <Button small icon={<Eye />} onClick={() => useSelection.setState({ watching: true })}>
          {t('stage.watch')}
        </Button>
      )}
      <div
        className={styles.progress}
        role="progressbar"
        aria-label={t('stage.progress')}
        aria-valuenow={share === null ? undefined : Math.round(share * 100)}
      >
        <div style={{ width: `${(share ?? 0) * 100}%` }} />
      </div>
      <span className={styles.numbers}>
        {stopping && t('job.cancelling')}
        {!stopping && !progress && t('job.starting')}
        {!stopping && progress && (
          <>
            {progress.pictures > 1 &&
              `${t('job.picture_of', { n: progress.picture + 1, all: progress.pictures })} · `}
            {t('job.step_of', { n: progress.step, all: progress.steps })}
            {progress.seconds_left !== null &&
              ` · ${t('job.left', { time: duration(progress.seconds_left) })}`}
          </>
        )}
      </span>
    </div>
  );
}
