/** What the server knows, cached. Nothing is polled: events say when a part is out of date. */

import { QueryCache, QueryClient, useQuery } from '@tanstack/react-query';
import { client, ServerError } from '@/wire/client';
import type { Job, Setting } from '@/wire/types';

/** A session that has ended shows at any request: the page asks who is there, and has them sign in. */
export function check_session(error: unknown): void {
  if (!(error instanceof ServerError) || error.status !== 401) return;
  void cache.invalidateQueries({ queryKey: ['app'] });
}

export const cache: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, query) => query.queryKey[0] !== 'app' && check_session(error),
  }),
  defaultOptions: {
    queries: {
      staleTime: Infinity,
      refetchOnWindowFocus: false,
      retry: (failures, error) =>
        failures < 2 && error instanceof ServerError && error.code === 'offline',
    },
  },
});

/** Jobs by id. */
export type Jobs = Record<string, Job>;

const jobs_shown = 200;

async function load_jobs(): Promise<Jobs> {
  const [all, waiting] = await Promise.all([client.jobs(jobs_shown), client.waiting()]);
  return Object.fromEntries([...all.jobs, ...waiting.jobs].map((job) => [job.id, job]));
}

export const useApp = () => useQuery({ queryKey: ['app'], queryFn: client.app });
export const useSchema = () =>
  useQuery({
    queryKey: ['schema'],
    queryFn: async () =>
      Object.fromEntries((await client.schema()).map((entry) => [entry.name, entry])) as Record<
        string,
        Setting
      >,
  });
export const useModels = () => useQuery({ queryKey: ['models'], queryFn: client.models });
export const useBoards = () =>
  useQuery({ queryKey: ['gallery', 'boards'], queryFn: client.boards });
/** No event tells of presets: another window may have changed them. */
export const usePresets = () =>
  useQuery({ queryKey: ['presets'], queryFn: client.presets, refetchOnWindowFocus: 'always' });
export const useQueueState = () => useQuery({ queryKey: ['queue'], queryFn: client.queue });
export const useJobs = () => useQuery({ queryKey: ['jobs'], queryFn: load_jobs });
export const usePicture = (name: string | null) =>
  useQuery({
    queryKey: ['picture', name],
    queryFn: () => client.picture(name ?? ''),
    enabled: name !== null,
    gcTime: 60_000,
  });

/** Keeps the newer of what is known and what comes. */
export function put_job(job: Job): void {
  cache.setQueryData<Jobs>(['jobs'], (old) => {
    if (!old) return old;
    const known = old[job.id];
    return known && known.revision > job.revision ? old : { ...old, [job.id]: job };
  });
}

export function drop_job(id: string): void {
  cache.setQueryData<Jobs>(['jobs'], (old) => {
    if (!old) return old;
    const rest = { ...old };
    delete rest[id];
    return rest;
  });
}

export function gallery_changed(): void {
  void cache.invalidateQueries({ queryKey: ['gallery'] });
  void cache.invalidateQueries({ queryKey: ['picture'] });
}

/** After an interruption anything may have changed. */
export function everything_changed(): void {
  void cache.invalidateQueries();
}
