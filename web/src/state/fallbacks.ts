/** What holds where the user has given nothing: the model's wish, its own size, or the default. */

import type { Model, Setting, Value } from '@/wire/types';
import { useApp, useSchema } from './queries';

export interface Fallback {
  value: Value;
  /** The active model recommends it; the server takes it for what a job does not say. */
  recommended: boolean;
}

export const usual_size = 512; // pixels, of a model that does not tell its own

export function fallback_of(
  name: string,
  setting: Setting | undefined,
  model: Model | null | undefined,
): Fallback {
  const wish = (model?.recommended as Record<string, Value> | undefined)?.[name];
  if (wish !== undefined) return { value: wish, recommended: true };
  const usual = (setting?.default ?? null) as Value;
  const plain = (value: Value) => ({ value, recommended: false });
  // A size given when the server was started is its default and goes before the model's own.
  if (name === 'width') return plain(usual || model?.native_width || usual_size);
  if (name === 'height') return plain(usual || model?.native_height || usual_size);
  if (name === 'fit') return plain(true); // fitting is what the page always asked for
  return plain(usual);
}

/** What will be used for a setting that is not given. */
export function useFallback(name: string): Fallback {
  return fallback_of(name, useSchema().data?.[name], useApp().data?.model);
}
