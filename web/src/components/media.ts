import { useCallback, useSyncExternalStore } from 'react';

/** Panels stand side by side from this width on; below, everything is one column. */
export const side_by_side = '(min-width: 861px)';

/** Whether a media query holds, also when that changes. */
export function useMedia(query: string): boolean {
  const watch = useCallback(
    (changed: () => void) => {
      const list = matchMedia(query);
      list.addEventListener('change', changed);
      return () => list.removeEventListener('change', changed);
    },
    [query],
  );
  return useSyncExternalStore(watch, () => matchMedia(query).matches);
}
