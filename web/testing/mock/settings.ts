/** The part of the settings table that the development server knows. */

import type { Setting, Value } from '../../src/wire/types';

function setting(
  name: string,
  type: Setting['type'],
  group: string,
  fallback: Value,
  help: string,
  more: Partial<Setting> = {},
): Setting {
  return {
    name,
    type,
    group,
    default: fallback as never,
    low: null,
    high: null,
    low_open: false,
    multiple: 1,
    choices: [],
    min_values: 1,
    max_values: 1,
    help,
    ...more,
  };
}

const share = { low: 0, high: 1 };
const samplers =
  'ddim k_dpm_2_a k_dpm_2 k_dpmpp_2_a k_dpmpp_2 k_euler_a k_euler k_heun k_lms plms pndm dpmpp_2m dpmpp_sde unipc lcm'.split(
    ' ',
  );

export const settings: Setting[] = [
  setting('steps', 'integer', 'rendering', 50, 'length of the noise schedule', {
    low: 1,
    high: 999,
  }),
  setting('seed', 'integer', 'rendering', null, 'start of the random numbers; none: random', {
    low: 0,
    high: 4294967295,
  }),
  setting('iterations', 'integer', 'rendering', 1, 'pictures to draw', { low: 0, high: 1000000 }),
  setting('batch_size', 'integer', 'rendering', 1, 'pictures drawn at the same time', {
    low: 1,
    high: 64,
  }),
  setting('width', 'integer', 'rendering', null, "pixels; none: the model's own", {
    low: 64,
    high: 8192,
    multiple: 8,
  }),
  setting('height', 'integer', 'rendering', null, "pixels; none: the model's own", {
    low: 64,
    high: 8192,
    multiple: 8,
  }),
  setting('cfg_scale', 'real', 'rendering', 7.5, 'how strictly the prompt is followed', { low: 1 }),
  setting('prompt_dialect', 'text', 'rendering', 'invoke', 'how prompts are read', {
    choices: ['invoke', 'a1111'],
  }),
  setting('long_prompts', 'text', 'rendering', 'truncate', 'what becomes of long prompts', {
    choices: ['truncate', 'continue'],
  }),
  setting('dynamic_prompts', 'flag', 'rendering', true, 'choose one of {a|b|c} for each picture'),
  setting('sampler_name', 'text', 'rendering', 'k_lms', 'sampler', { choices: samplers }),
  setting('karras', 'flag', 'rendering', null, "Karras noise levels instead of the model's own"),
  setting('eta', 'real', 'rendering', 0, 'share of fresh noise in each ddim step', share),
  setting('threshold', 'real', 'rendering', 0, 'limit for extreme values; 0 is off', { low: 0 }),
  setting('perlin', 'real', 'rendering', 0, 'share of Perlin noise in the starting noise', share),
  setting('h_symmetry_time_pct', 'real', 'rendering', 0, 'mirror left to right after this', share),
  setting('v_symmetry_time_pct', 'real', 'rendering', 0, 'mirror top to bottom after this', share),
  setting('hires_fix', 'flag', 'rendering', false, 'draw small, then enlarge and refine'),
  setting('seamless', 'flag', 'rendering', false, 'edges that fit each other'),
  setting('seamless_axes', 'text', 'rendering', 'xy', 'axes for seamless: x, y or xy'),
  setting('init_img', 'path', 'img2img', null, 'picture to start from'),
  setting('init_mask', 'path', 'img2img', null, 'repaint where this picture is black'),
  setting('strength', 'real', 'img2img', 0.75, 'how far to go from the starting picture', {
    ...share,
    low_open: true,
  }),
  setting('fit', 'flag', 'img2img', false, 'scale the starting picture into width and height'),
  setting('invert_mask', 'flag', 'img2img', false, 'repaint the other part'),
  setting('inpaint_replace', 'real', 'img2img', 0, 'how much is replaced by noise', share),
  setting('mask_blur', 'integer', 'img2img', 8, 'pixels of soft edge', { low: 0, high: 512 }),
  setting('match_colors', 'flag', 'img2img', true, 'shift to the colours of the kept part'),
  setting('variation_amount', 'real', 'variations', 0, 'how far each picture goes', share),
  setting('with_variations', 'text', 'variations', null, 'seed:weight,seed:weight...'),
];

export { samplers };
