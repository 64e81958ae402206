/** The request the user is composing. Absent values are the server's defaults. */

import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import type { Recall, Value, Values } from '@/wire/types';
import { split_negative } from '@/lib/prompts';
import type { Stroke } from '@/lib/strokes';

/** The picture to start from. */
export interface Source {
  name: string;
  width: number;
  height: number;
}

export interface Parameters {
  prompt: string;
  negative_prompt: string;
  values: Values;
  random_seed: boolean;
  variations: boolean;
  source: Source | null;
  strokes: Stroke[];
}

export const no_parameters: Parameters = {
  prompt: '',
  negative_prompt: '',
  values: {},
  random_seed: true,
  variations: false,
  source: null,
  strokes: [],
};

interface Store extends Parameters {
  change(parts: Partial<Parameters>): void;
  /** Null takes a value back. */
  set(name: string, value: Value): void;
  set_all(values: Values): void;
  /** All settings to what the model and the server hold; prompts and the starting picture stay. */
  reset_settings(): void;
  reset(): void;
}

function merged(old: Values, change: Values): Values {
  const all = Object.entries({ ...old, ...change });
  return Object.fromEntries(all.filter(([, value]) => value !== null));
}

export const useParameters = create<Store>()(
  persist(
    (set) => ({
      ...no_parameters,
      change: (parts) => set(parts),
      set: (name, value) => set((old) => ({ values: merged(old.values, { [name]: value }) })),
      set_all: (values) => set((old) => ({ values: merged(old.values, values) })),
      reset_settings: () => set({ values: {}, random_seed: true, variations: false }),
      reset: () => set(no_parameters),
    }),
    { name: 'invokeai.parameters', version: 1 },
  ),
);

/** Both prompts of a picture, the negative words in their own box. */
export function recalled_prompts(recall: Recall) {
  const { prompt, negative_prompt, values } = recall;
  if (negative_prompt !== '' || values.prompt_dialect === 'a1111')
    return { prompt, negative_prompt };
  return split_negative(prompt);
}

/** Everything that makes a picture again; what the picture does not name goes to its default. */
export function with_recall(recall: Recall): Partial<Parameters> {
  const values = { ...recall.values };
  delete values.iterations;
  delete values.init_img;
  return {
    ...recalled_prompts(recall),
    values,
    random_seed: values.seed === undefined || values.seed === null,
    variations: Boolean(values.variation_amount || values.with_variations),
    strokes: [],
  };
}

/** One value of a picture, the rest as it was. */
export function with_value(old: Parameters, name: string, value: Value): Partial<Parameters> {
  if (name === 'prompt') return { prompt: String(value) };
  if (name === 'negative_prompt') return { negative_prompt: String(value) };
  const parts: Partial<Parameters> = { values: { ...old.values, [name]: value } };
  if (name === 'seed') parts.random_seed = false;
  if (name === 'variation_amount' || name === 'with_variations') parts.variations = true;
  return parts;
}
