/** Which pictures the user looks at. */

import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';
import type { PictureFilter } from '@/wire/client';
import type { JobRequest } from '@/wire/types';

export type Category = 'result' | 'upload' | 'all';

interface Store {
  /** The picture in the work area. */
  current: string | null;
  /** Its place in the gallery's list, as far as known: neighbours are looked for from there. */
  index: number | null;
  chosen: string[];
  /** The work area follows what is being drawn, until the user picks a picture. */
  watching: boolean;
  lightbox: boolean;
  info: boolean;
  compare: string | null;
  category: Category;
  filter: PictureFilter;
  /** What was just handed in, to be looked at; see the preference `show_sent`. */
  sent: JobRequest | null;
}

/** Kept over a reload, for each window by itself. */
export const useSelection = create<Store>()(
  persist<Store, [], [], Partial<Store>>(
    () => ({
      current: null,
      index: null,
      chosen: [],
      watching: true,
      lightbox: false,
      info: false,
      compare: null,
      category: 'result',
      filter: {},
      sent: null,
    }),
    {
      name: 'invokeai.selection',
      storage: createJSONStorage(() => sessionStorage),
      partialize: ({ current, info, category, filter }) => ({ current, info, category, filter }),
    },
  ),
);

/** The user wants to see this one. */
export function show_picture(name: string | null, index: number | null = null): void {
  useSelection.setState({ current: name, index, chosen: name ? [name] : [], watching: false });
}

/** A result that came while the work area follows. */
export function follow_picture(name: string): void {
  useSelection.setState({ current: name, index: 0, chosen: [name] });
}

/** The list's filter with its category, as the server takes it. */
export function whole_filter(category: Category, filter: PictureFilter): PictureFilter {
  const given = Object.entries({ ...filter, search: filter.search?.trim() });
  const clean: PictureFilter = Object.fromEntries(
    given.filter(([, value]) => value !== undefined && value !== ''),
  );
  return category === 'all' ? clean : { ...clean, kind: category };
}
