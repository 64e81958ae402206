/** The question before pictures go into the bin. */

import { create } from 'zustand';
import { remove_pictures } from './actions';
import { usePreferences } from './preferences';

interface Store {
  names: string[];
}

export const useDeletion = create<Store>(() => ({ names: [] }));

/** Asks first, unless the user switched that off. */
export function ask_delete(names: string[]): void {
  if (names.length === 0) return;
  if (usePreferences.getState().confirm_delete) useDeletion.setState({ names });
  else void remove_pictures(names);
}
