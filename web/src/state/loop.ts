/** What happens when a picture comes: loopback, and "cancel after this picture". */

import { create } from 'zustand';
import { client } from '@/wire/client';
import type { Result } from '@/wire/types';
import { attempt } from './actions';
import { useParameters } from './parameters';
import { cache, put_job, type Jobs } from './queries';

interface Store {
  /** Each result of image to image becomes the next starting picture. */
  loopback: boolean;
  /** The job to cancel once its running picture is there. */
  cancel_after: string | null;
}

export const useLoop = create<Store>(() => ({ loopback: false, cancel_after: null }));

export function picture_came(job: string, result: Result): void {
  const { loopback, cancel_after } = useLoop.getState();
  if (cancel_after === job) {
    useLoop.setState({ cancel_after: null });
    void attempt(async () => put_job(await client.cancel(job)));
  }
  const from_picture = cache.getQueryData<Jobs>(['jobs'])?.[job]?.values.init_img;
  if (!loopback || !from_picture) return;
  const { name, width, height } = result;
  useParameters.getState().change({ source: { name, width, height }, strokes: [] });
}
