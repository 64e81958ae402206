/** From what the user composed to what the server is asked. */

import { seed_weights_valid } from '@/lib/seeds';
import { has_mask } from '@/lib/strokes';
import type { JobRequest, Setting, Values } from '@/wire/types';
import type { Parameters } from './parameters';

export type Mode = 'text' | 'image';

/** Settings that only mean something with a picture to start from. */
const image_only = new Set([
  'init_img',
  'init_mask',
  'fit',
  'invert_mask',
  'inpaint_replace',
  'mask_blur',
  'match_colors',
]);

/** Why nothing can be drawn yet, as a key of the texts; null if it can. */
export function obstacle(parameters: Parameters, mode: Mode): string | null {
  if (parameters.prompt.trim() === '') return 'invoke.needs_prompt';
  if (mode === 'image' && !parameters.source) return 'invoke.needs_source';
  const weights = parameters.values.with_variations;
  if (parameters.variations && typeof weights === 'string' && !seed_weights_valid(weights)) {
    return 'invoke.bad_weights';
  }
  if (parameters.variations && weights && parameters.random_seed) return 'invoke.needs_seed';
  return null;
}

/** The settings sent in a mode; each tab sends its own only, so changing tabs loses nothing. */
export function sent_values(
  parameters: Parameters,
  mode: Mode,
  schema: Record<string, Setting>,
): Values {
  const values: Values = {};
  for (const [name, value] of Object.entries(parameters.values)) {
    if (schema[name] && value !== null && value !== '') values[name] = value;
  }
  if (parameters.random_seed) delete values.seed;
  if (!parameters.variations) {
    delete values.variation_amount;
    delete values.with_variations;
  }
  if (!values.seamless) delete values.seamless_axes;
  if (mode === 'image') {
    delete values.hires_fix;
    if (parameters.source) values.init_img = parameters.source.name;
    values.fit = values.fit ?? true;
    const masked = values.init_mask || has_mask(parameters.strokes);
    if (!masked) delete values.invert_mask;
  } else {
    for (const name of image_only) delete values[name];
    if (!values.hires_fix) delete values.strength;
  }
  return values;
}

export function job_request(
  parameters: Parameters,
  mode: Mode,
  schema: Record<string, Setting>,
  previews: Pick<JobRequest, 'preview_every' | 'full_previews'>,
): JobRequest {
  return {
    // A line break in the box is a space for the server's prompt language.
    prompt: parameters.prompt.replace(/\s*\n\s*/g, ' ').trim(),
    negative_prompt: parameters.negative_prompt.replace(/\s*\n\s*/g, ' ').trim(),
    values: sent_values(parameters, mode, schema),
    ...previews,
  };
}
