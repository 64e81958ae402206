/** The gallery's list, page by page, for grids of any length and for "next" and "previous". */

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { client, type PictureFilter } from '@/wire/client';
import type { PicturePage } from '@/wire/types';
import { cache } from './queries';
import { follow_picture, show_picture, useSelection, whole_filter } from './selection';

export const page_size = 100;
const page_memory = 30_000; // milliseconds a page out of sight is kept

export const useFilter = (): PictureFilter => {
  const { category, filter } = useSelection();
  return whole_filter(category, filter);
};

export const page_query = (filter: PictureFilter, page: number) => ({
  queryKey: ['gallery', 'page', filter, page],
  queryFn: () => client.pictures(filter, page * page_size, page_size),
  gcTime: page_memory,
});

export const useCount = (filter: PictureFilter) =>
  useQuery({
    queryKey: ['gallery', 'count', filter],
    queryFn: () => client.count(filter),
    placeholderData: keepPreviousData,
  });

/** Where a picture stands in the list, among the pages in memory. */
export function known_index(filter: PictureFilter, name: string): number | null {
  const pages = cache.getQueriesData<PicturePage>({ queryKey: ['gallery', 'page', filter] });
  for (const [key, page] of pages) {
    const place = page?.images.findIndex((picture) => picture.name === name) ?? -1;
    if (place >= 0) return Number(key[3]) * page_size + place;
  }
  return null;
}

/** Shows the picture at a place of the list, or the last one; asks the server anew. */
export async function show_at(index: number): Promise<void> {
  const { category, filter } = useSelection.getState();
  const whole = whole_filter(category, filter);
  const total = await client.count(whole);
  if (total === 0) return show_picture(null);
  const place = Math.min(index, total - 1);
  const picture = (await client.pictures(whole, place, 1)).images[0];
  show_picture(picture?.name ?? null, place);
}

/** Shows the newest result where nothing is shown yet, as when the page is opened. */
export async function show_newest(): Promise<void> {
  const nothing = () => useSelection.getState().current === null;
  if (!nothing()) return;
  const newest = await client.pictures({ kind: 'result' }, 0, 1).catch(() => null);
  const name = newest?.images[0]?.name;
  if (name !== undefined && nothing()) follow_picture(name);
}

/** Shows the picture `distance` places further in the list (forward is older). */
export async function step_through(distance: number): Promise<void> {
  const { current, index, category, filter } = useSelection.getState();
  const whole = whole_filter(category, filter);
  const from = (current === null ? null : known_index(whole, current)) ?? index;
  const total = await cache.fetchQuery({
    queryKey: ['gallery', 'count', whole],
    queryFn: () => client.count(whole),
  });
  if (total === 0) return;
  const target = from === null ? 0 : from + (current === null ? 0 : distance);
  const bounded = Math.min(Math.max(target, 0), total - 1);
  const page = await cache.fetchQuery(page_query(whole, Math.floor(bounded / page_size)));
  const picture = page.images[bounded % page_size];
  if (picture) show_picture(picture.name, bounded);
}
