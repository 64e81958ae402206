import {
  closestCenter,
  DndContext,
  KeyboardSensor,
  PointerSensor,
  useSensor,
  useSensors,
  type DragEndEvent,
} from '@dnd-kit/core';
import { restrictToVerticalAxis } from '@dnd-kit/modifiers';
import {
  SortableContext,
  sortableKeyboardCoordinates,
  verticalListSortingStrategy,
} from '@dnd-kit/sortable';
import { Eraser, ListOrdered, Pause, Play } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { Empty } from '@/components/Empty';
import { attempt } from '@/state/actions';
import { useHotkeys } from '@/state/hotkeys';
import { cache, drop_job, put_job, useJobs, useQueueState } from '@/state/queries';
import { client } from '@/wire/client';
import type { Job } from '@/wire/types';
import { JobCard, WaitingCard } from './JobCard';
import styles from './Queue.module.css';

/** Running, waiting (in the order they will run) and ended jobs, newest first. */
function sorted(jobs: Record<string, Job> | undefined) {
  const all = Object.values(jobs ?? {});
  const ended = all.filter((job) => job.finished !== null);
  return {
    running: all.filter((job) => job.state === 'running'),
    waiting: all
      .filter((job) => job.state === 'queued')
      .sort((a, b) => (a.position ?? 0) - (b.position ?? 0)),
    ended: ended.sort((a, b) => (b.finished ?? 0) - (a.finished ?? 0)),
  };
}

export function toggle_pause(paused: boolean): void {
  void attempt(async () => {
    cache.setQueryData(['queue'], await client.pause(!paused));
  });
}

/** Puts a job where it was dropped, at once here and then at the server. */
function move(waiting: Job[], { active, over }: DragEndEvent): void {
  const from = waiting.findIndex((job) => job.id === active.id);
  const to = waiting.findIndex((job) => job.id === over?.id);
  const moved = waiting[from];
  const other = waiting[to];
  if (!moved || !other || from === to) return;
  const order = waiting.filter((job) => job !== moved);
  order.splice(to, 0, moved);
  order.forEach((job, position) => put_job({ ...job, position }));
  void attempt(() => client.move(moved.id, from < to ? 'after' : 'before', other.id)).then(
    (job) => {
      if (job) put_job(job);
      void cache.invalidateQueries({ queryKey: ['jobs'] });
    },
  );
}

/** The queue; `more` stands between the waiting and the ended jobs. */
export function QueueView({ more }: { more?: ReactNode }) {
  const { t } = useTranslation();
  const { data } = useJobs();
  const state = useQueueState().data;
  const { running, waiting, ended } = sorted(data);
  const paused = state?.paused ?? false;
  const sensors = useSensors(
    useSensor(PointerSensor, { activationConstraint: { distance: 4 } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  );
  useHotkeys({ pause_queue: () => toggle_pause(paused) });
  const forget = () =>
    void attempt(async () => {
      // By the server's clock, which may differ from ours.
      await client.forget_ended(Math.ceil(ended[0]?.finished ?? 0) + 1);
      ended.forEach((job) => drop_job(job.id));
    });
  const cancel_all = () => waiting.forEach((job) => void attempt(() => client.cancel(job.id)));

  return (
    <section className={styles.queue} aria-label={t('tab.queue')}>
      <header className={styles.head}>
        <h1>{t('tab.queue')}</h1>
        <span className={styles.status}>
          {paused ? t('queue.paused') : t('queue.waiting', { count: waiting.length })}
        </span>
        <span className={styles.commands}>
          <Button icon={paused ? <Play /> : <Pause />} onClick={() => toggle_pause(paused)}>
            {paused ? t('queue.resume') : t('queue.pause')}
          </Button>
          <Button icon={<Eraser />} disabled={ended.length === 0} onClick={forget}>
            {t('queue.forget')}
          </Button>
        </span>
      </header>
      {running.map((job) => (
        <JobCard key={job.id} job={job} />
      ))}
      {waiting.length > 0 && (
        <>
          <div className={styles.title}>
            <h2>{t('queue.next')}</h2>
            {waiting.length > 1 && (
              <Button small look="danger" onClick={cancel_all}>
                {t('queue.cancel_all')}
              </Button>
            )}
          </div>
          <DndContext
            sensors={sensors}
            collisionDetection={closestCenter}
            modifiers={[restrictToVerticalAxis]}
            onDragEnd={(event) => move(waiting, event)}
          >
            <SortableContext items={waiting} strategy={verticalListSortingStrategy}>
              <ol className={styles.list}>
                {waiting.map((job) => (
                  <WaitingCard key={job.id} job={job} />
                ))}
              </ol>
            </SortableContext>
          </DndContext>
        </>
      )}
      {more}
      {ended.length > 0 && (
        <>
          <div className={styles.title}>
            <h2>{t('queue.ended')}</h2>
          </div>
          <ol className={styles.list}>
            {ended.map((job) => (
              <li key={job.id}>
                <JobCard job={job} />
              </li>
            ))}
          </ol>
        </>
      )}
      {data && running.length + waiting.length + ended.length === 0 && (
        <Empty icon={<ListOrdered />} title={t('queue.empty')}>
          <p>{t('queue.empty_text')}</p>
        </Empty>
      )}
    </section>
  );
}
