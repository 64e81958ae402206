import { useSortable } from '@dnd-kit/sortable';
import { GripVertical, RotateCcw, Square, Undo2, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { class_names } from '@/lib/class_names';
import { clock, duration, time_taken } from '@/lib/format';
import { attempt, take_recall } from '@/state/actions';
import { useLive } from '@/state/live';
import { usePreferences } from '@/state/preferences';
import { put_job } from '@/state/queries';
import { show_picture } from '@/state/selection';
import { client, picture_address } from '@/wire/client';
import type { Job } from '@/wire/types';
import styles from './Queue.module.css';

const told = ['steps', 'cfg_scale', 'sampler_name', 'width', 'height', 'seed'] as const;

const again = (work: () => Promise<Job>) =>
  void attempt(async () => {
    put_job(await work());
  });

/** A waiting job, which can be dragged (by mouse, finger or keyboard) to another place. */
export function WaitingCard({ job }: { job: Job }) {
  const { t } = useTranslation();
  const { attributes, listeners, setNodeRef, transform, transition, isDragging } = useSortable({
    id: job.id,
  });
  const style = {
    transform: transform ? `translate3d(0, ${transform.y}px, 0)` : undefined,
    transition,
    zIndex: isDragging ? 1 : undefined,
  };
  return (
    <li ref={setNodeRef} style={style} className={class_names(isDragging && styles.dragged)}>
      <JobCard
        job={job}
        handle={
          <button
            type="button"
            className={styles.handle}
            {...attributes}
            {...listeners}
            aria-label={t('queue.move')}
          >
            <GripVertical />
          </button>
        }
      />
    </li>
  );
}

/** One job: what it draws, how far it is, what came of it. */
export function JobCard({ job, handle }: { job: Job; handle?: ReactNode }) {
  const { t, i18n } = useTranslation();
  const { state } = job;
  const waits = state === 'queued' || state === 'running';
  return (
    <article className={styles.card} data-state={state}>
      {handle}
      <div className={styles.main}>
        <p className={styles.prompt}>{job.prompt}</p>
        <p className={styles.facts}>
          <b className={styles.state}>
            {t(`job.${job.cancel_requested && waits ? 'cancelling' : state}`)}
          </b>
          {job.pictures > 1 && (
            <span>{t('job.pictures', { done: job.done, all: job.pictures })}</span>
          )}
          {told.map((name) => {
            const value = job.values[name];
            if (value === undefined || value === null) return null;
            return <span key={name}>{`${t(`setting.${name}.label`)} ${String(value)}`}</span>;
          })}
          {job.started !== null && job.finished !== null && (
            <span>
              {`${clock(job.finished, i18n.language)} · ${time_taken((job.finished - job.started) / 1000, i18n.language)}`}
            </span>
          )}
        </p>
        {job.error && <p className={styles.error}>{job.error.message}</p>}
        {state === 'running' && <JobProgress job={job} />}
        {job.results.length > 0 && <Results job={job} />}
      </div>
      <div className={styles.buttons}>
        <IconButton label={t('job.recall')} icon={<Undo2 />} onClick={() => take_recall(job)} />
        {waits ? (
          <IconButton
            look="danger"
            label={t('job.cancel')}
            icon={state === 'running' ? <Square /> : <X />}
            disabled={job.cancel_requested}
            onClick={() => again(() => client.cancel(job.id))}
          />
        ) : (
          <IconButton
            label={t('job.retry')}
            icon={<RotateCcw />}
            onClick={() => again(() => client.retry(job.id))}
          />
        )}
      </div>
    </article>
  );
}

function JobProgress({ job }: { job: Job }) {
  const { t } = useTranslation();
  const progress = useLive((live) => live.progress[job.id]);
  const preview = useLive((live) => (live.preview?.job === job.id ? live.preview : null));
  const share = progress
    ? (progress.picture + progress.step / progress.steps) / progress.pictures
    : 0;
  return (
    <div className={styles.running}>
      {preview && <img src={preview.image} alt={t('stage.preview')} />}
      <div>
        <div
          className={styles.bar}
          role="progressbar"
          aria-label={t('stage.progress')}
          aria-valuenow={Math.round(share * 100)}
        >
          <div style={{ width: `${share * 100}%` }} />
        </div>
        {progress && (
          <p className={styles.facts}>
            <span>{t('job.step_of', { n: progress.step, all: progress.steps })}</span>
            {progress.seconds_left !== null && (
              <span>{t('job.left', { time: duration(progress.seconds_left) })}</span>
            )}
          </p>
        )}
      </div>
    </div>
  );
}

const most_results = 12;

function Results({ job }: { job: Job }) {
  const { t } = useTranslation();
  return (
    <ul className={styles.results}>
      {job.results.slice(0, most_results).map((result) => (
        <li key={result.name}>
          <button
            type="button"
            aria-label={t('job.show_result', { n: result.index + 1 })}
            onClick={() => {
              show_picture(result.name);
              usePreferences.getState().change({ tab: job.values.init_img ? 'image' : 'text' });
            }}
          >
            <img src={picture_address(result.name, 'thumbnail')} alt="" loading="lazy" />
          </button>
        </li>
      ))}
      {job.results.length > most_results && <li>+{job.results.length - most_results}</li>}
    </ul>
  );
}
