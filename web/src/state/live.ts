/** What the event stream tells about this moment. */

import { create } from 'zustand';
import type { Preview, Progress } from '@/wire/types';

interface Store {
  connection: 'connecting' | 'open' | 'lost';
  /** By job. */
  progress: Record<string, Progress>;
  preview: Preview | null;
  retry: () => void;
}

export const useLive = create<Store>(() => ({
  connection: 'connecting',
  progress: {},
  preview: null,
  retry: () => undefined,
}));

/** A job has ended: its progress and preview are of the past. */
export function forget_live(job: string): void {
  useLive.setState((old) => {
    const progress = { ...old.progress };
    delete progress[job];
    return { progress, preview: old.preview?.job === job ? null : old.preview };
  });
}
