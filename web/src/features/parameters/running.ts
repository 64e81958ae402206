import { useTranslation } from 'react-i18next';
import { attempt, invoke } from '@/state/actions';
import { useLive } from '@/state/live';
import { useParameters } from '@/state/parameters';
import { put_job, useJobs, useQueueState } from '@/state/queries';
import { obstacle, type Mode } from '@/state/requests';
import { client } from '@/wire/client';
import type { Job } from '@/wire/types';

/** Why nothing can be asked of the server now, or null. */
export function useObstacle(mode: Mode): string | null {
  const { t } = useTranslation();
  const parameters = useParameters();
  const connection = useLive((state) => state.connection);
  if (connection === 'lost') return t('invoke.no_connection');
  const reason = obstacle(parameters, mode);
  return reason ? t(reason) : null;
}

/** The running job, if it can still be cancelled. */
export function useRunning(): Job | null {
  const running = useQueueState().data?.running;
  const job = useJobs().data?.[running ?? ''];
  return job && !job.cancel_requested ? job : null;
}

export const cancel_now = (id: string) =>
  void attempt(async () => put_job(await client.cancel(id)));

/** Draws, and on a phone, where the picture is above, brings it into sight. */
export function draw(mode: Mode): void {
  void invoke(mode);
  document.querySelector('main')?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
}
