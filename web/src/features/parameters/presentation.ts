/**
 * How comfortable a setting is to move: step and slider range. What is allowed stands in the
 * server's table; a slider only covers the useful part of it, typing reaches the rest.
 */
export const presentation: Record<string, { step: number; slider?: [number, number] }> = {
  steps: { step: 1, slider: [1, 100] },
  cfg_scale: { step: 0.5, slider: [1, 20] },
  width: { step: 64, slider: [64, 1536] },
  height: { step: 64, slider: [64, 1536] },
  strength: { step: 0.01, slider: [0.01, 1] },
  threshold: { step: 0.1, slider: [0, 50] },
  mask_blur: { step: 1, slider: [0, 64] },
  batch_size: { step: 1, slider: [1, 16] },
  cache_steps: { step: 1, slider: [1, 10] },
  save_intermediates: { step: 1, slider: [0, 50] },
  karras_max: { step: 1, slider: [0, 100] },
  seam_size: { step: 8, slider: [0, 256] },
};

/** Shares from 0 to 1 go in hundredths; whole numbers in ones. */
export function presented(name: string, low: number | null, high: number | null, whole: boolean) {
  const known = presentation[name];
  if (known) return known;
  if (low === 0 && high === 1 && !whole) return { step: 0.01, slider: [0, 1] as [number, number] };
  return { step: whole ? 1 : 0.1 };
}

/** Settings with a place of their own in the panel, or none (they come from elsewhere). */
export const placed = new Set([
  'prompt',
  'negative_prompt',
  'seed',
  'iterations',
  'steps',
  'cfg_scale',
  'width',
  'height',
  'sampler_name',
  'init_img',
  'init_mask',
  'strength',
  'fit',
  'invert_mask',
  'inpaint_replace',
  'mask_blur',
  'match_colors',
  'threshold',
  'perlin',
  'variation_amount',
  'with_variations',
  'seamless',
  'seamless_axes',
  'hires_fix',
  'h_symmetry_time_pct',
  'v_symmetry_time_pct',
  'facetool',
  'facetool_strength',
  'codeformer_fidelity',
  'upscale',
]);
