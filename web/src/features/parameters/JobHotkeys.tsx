import { useHotkeys } from '@/state/hotkeys';
import type { Mode } from '@/state/requests';
import { cancel_now, draw, useRunning } from './running';

/** Invoke in the tabs that draw, cancel in all, whether or not their buttons are shown. */
export function JobHotkeys({ mode }: { mode?: Mode }) {
  const job = useRunning();
  useHotkeys({
    ...(mode && { invoke: () => draw(mode) }),
    cancel: () => job && cancel_now(job.id),
  });
  return null;
}
