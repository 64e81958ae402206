/** Choosing several pictures of the list. */

import { page_query, page_size } from '@/state/gallery_list';
import { cache } from '@/state/queries';
import { useSelection, whole_filter } from '@/state/selection';

const most_chosen = 1000;

/** Adds or removes one picture, or takes all from the last one shown up to it. */
export function choose(name: string, index: number, reach: boolean): void {
  const { chosen, index: from } = useSelection.getState();
  if (reach && from !== null) return void choose_range(from, index);
  const without = chosen.filter((other) => other !== name);
  const next = without.length < chosen.length ? without : [...chosen, name];
  useSelection.setState({ chosen: next, index });
}

async function choose_range(from: number, to: number): Promise<void> {
  const { category, filter } = useSelection.getState();
  const whole = whole_filter(category, filter);
  const [low, high] = [
    Math.min(from, to),
    Math.min(Math.max(from, to), Math.min(from, to) + most_chosen),
  ];
  const names: string[] = [];
  for (let page = Math.floor(low / page_size); page <= Math.floor(high / page_size); page++) {
    const { images } = await cache.fetchQuery(page_query(whole, page));
    images.forEach((picture, place) => {
      const index = page * page_size + place;
      if (index >= low && index <= high) names.push(picture.name);
    });
  }
  useSelection.setState({ chosen: names });
}
