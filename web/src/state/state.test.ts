import { beforeEach, describe, expect, test } from 'vitest';
import { settings } from '@testing/mock/settings';
import { fake_network } from '@testing/network';
import type { Job, Model } from '@/wire/types';
import { fallback_of } from './fallbacks';
import { show_newest } from './gallery_list';
import { conflicts, keys_of } from './hotkeys';
import { log, notify, useNotices } from './notices';
import {
  no_parameters,
  recalled_prompts,
  useParameters,
  with_recall,
  with_value,
  type Parameters,
} from './parameters';
import { cache, drop_job, put_job, type Jobs } from './queries';
import { job_request, obstacle, sent_values } from './requests';
import { show_picture, useSelection, whole_filter } from './selection';
import { put_on_sheet, useSheets } from './sheets';

const schema = Object.fromEntries(settings.map((setting) => [setting.name, setting]));
const composed = (parts: Partial<Parameters>): Parameters => ({
  ...no_parameters,
  prompt: 'a fox',
  ...parts,
});
const source = { name: 'init-images/fox.png', width: 512, height: 512 };

describe('what is sent', () => {
  test('a random seed is left to the server', () => {
    const values = { seed: 7, steps: 20 };
    expect(sent_values(composed({ values }), 'text', schema)).toEqual({ steps: 20 });
    const fixed = composed({ values, random_seed: false });
    expect(sent_values(fixed, 'text', schema)).toEqual({ seed: 7, steps: 20 });
  });

  test('each tab sends its own settings and loses none of the other', () => {
    const parameters = composed({
      values: { hires_fix: true, strength: 0.6, mask_blur: 4 },
      source,
    });
    expect(sent_values(parameters, 'text', schema)).toEqual({ hires_fix: true, strength: 0.6 });
    expect(sent_values(parameters, 'image', schema)).toEqual({
      strength: 0.6,
      mask_blur: 4,
      init_img: source.name,
      fit: true,
    });
    expect(parameters.values.hires_fix).toBe(true);
  });

  test('a mask is inverted where there is one, painted or recalled', () => {
    const values = { invert_mask: true };
    const sent = (parts: Partial<Parameters>) =>
      sent_values(composed({ source, values, ...parts }), 'image', schema).invert_mask;
    expect(sent({})).toBeUndefined();
    expect(sent({ strokes: [{ erase: false, size: 40, points: [[9, 9]] }] })).toBe(true);
    expect(sent({ values: { ...values, init_mask: 'mask-images/a.png' } })).toBe(true);
  });

  test('variations are sent only when they are on', () => {
    const values = { variation_amount: 0.2 };
    expect(sent_values(composed({ values }), 'text', schema)).toEqual({});
    expect(sent_values(composed({ values, variations: true }), 'text', schema)).toEqual(values);
  });

  test('a setting the server does not know stays here', () => {
    expect(sent_values(composed({ values: { glitter: 3 } }), 'text', schema)).toEqual({});
  });

  test('line breaks of the boxes are spaces', () => {
    const request = job_request(
      composed({ prompt: 'a fox\n in snow ', negative_prompt: 'blurry,\nugly' }),
      'text',
      schema,
      { preview_every: 1 },
    );
    expect(request.prompt).toBe('a fox in snow');
    expect(request.negative_prompt).toBe('blurry, ugly');
  });
});

describe('what holds where nothing is given', () => {
  const model = { native_width: 128, native_height: 0, recommended: { cfg_scale: 2 } } as Model;
  test.each([
    ['cfg_scale', model, { value: 2, recommended: true }],
    ['cfg_scale', null, { value: 7.5, recommended: false }],
    ['steps', model, { value: 50, recommended: false }],
    ['width', model, { value: 128, recommended: false }],
    ['height', model, { value: 512, recommended: false }],
    ['fit', model, { value: true, recommended: false }],
    ['glitter', model, { value: null, recommended: false }],
  ])('%s', (name, active, wanted) =>
    expect(fallback_of(name, schema[name], active)).toEqual(wanted),
  );
});

test('values are taken back one by one and all at once', () => {
  useParameters.setState({ ...no_parameters, prompt: 'a fox', source });
  const { set, set_all, reset_settings } = useParameters.getState();
  set_all({ steps: 20, cfg_scale: 3, width: null });
  set('steps', null);
  expect(useParameters.getState().values).toEqual({ cfg_scale: 3 });
  useParameters.setState({ random_seed: false, variations: true });
  reset_settings();
  const { prompt, values, random_seed, variations, source: kept } = useParameters.getState();
  expect({ prompt, values, random_seed, variations, kept }).toEqual({
    prompt: 'a fox',
    values: {},
    random_seed: true,
    variations: false,
    kept: source,
  });
});

describe('why nothing can be drawn', () => {
  const variations = { variations: true, random_seed: false };
  test.each([
    ['invoke.needs_prompt', composed({ prompt: '  ' }), 'text'],
    ['invoke.needs_source', composed({}), 'image'],
    ['invoke.bad_weights', composed({ ...variations, values: { with_variations: '1' } }), 'text'],
    [
      'invoke.needs_seed',
      composed({ variations: true, values: { with_variations: '1:0.5' } }),
      'text',
    ],
    [null, composed({ ...variations, values: { with_variations: '1:0.5' } }), 'text'],
    [null, composed({ source }), 'image'],
  ] as const)('%s', (reason, parameters, mode) => expect(obstacle(parameters, mode)).toBe(reason));
});

describe('recall', () => {
  const recall = {
    prompt: 'two: foxes',
    negative_prompt: 'ugly',
    values: { seed: 0, steps: 12, hires_fix: true, iterations: 4, with_variations: '7:0.1' },
  };
  test('everything of a picture, a seed of 0 included', () => {
    expect(with_recall(recall)).toEqual({
      prompt: 'two: foxes',
      negative_prompt: 'ugly',
      values: { seed: 0, steps: 12, hires_fix: true, with_variations: '7:0.1' },
      random_seed: false,
      variations: true,
      strokes: [],
    });
  });
  test.each([
    ['a fox [ugly, blurry]', '', {}, 'a fox', 'ugly, blurry'],
    ['a [small] fox [ugly]', '', {}, 'a [small] fox', 'ugly'],
    ['a [small] fox', '', {}, 'a [small] fox', ''],
    ['a fox [ugly]', 'apart', {}, 'a fox [ugly]', 'apart'],
    ['a [fox]', '', { prompt_dialect: 'a1111' }, 'a [fox]', ''],
    ['[all negative]', '', {}, '[all negative]', ''],
  ])('negative words of %j go into their box', (text, apart, values, prompt, negative_prompt) => {
    const found = recalled_prompts({ prompt: text, negative_prompt: apart, values });
    expect(found).toEqual({ prompt, negative_prompt });
  });
  test('one value alone', () => {
    const old = composed({ values: { steps: 30 } });
    expect(with_value(old, 'seed', 5)).toEqual({
      values: { steps: 30, seed: 5 },
      random_seed: false,
    });
    expect(with_value(old, 'prompt', 'a cat [not split]')).toEqual({ prompt: 'a cat [not split]' });
  });
});

describe('jobs by events', () => {
  const job = (revision: number, state: Job['state']) => ({ id: 'a', revision, state }) as Job;
  beforeEach(() => cache.setQueryData<Jobs>(['jobs'], {}));
  test('an older message does not undo a newer one', () => {
    put_job(job(3, 'completed'));
    put_job(job(2, 'running'));
    expect(cache.getQueryData<Jobs>(['jobs'])?.a?.state).toBe('completed');
    drop_job('a');
    expect(cache.getQueryData<Jobs>(['jobs'])).toEqual({});
  });
});

test('the console is bounded, and errors are noticed', () => {
  for (let i = 0; i < 600; i++) log('info', `line ${i}`);
  notify('error', 'something broke');
  const { log: lines, unseen_error, toasts } = useNotices.getState();
  expect(lines).toHaveLength(500);
  expect(lines.at(-1)?.text).toBe('something broke');
  expect(unseen_error).toBe(true);
  expect(toasts).toHaveLength(1);
});

test('changed hotkeys and those that clash', () => {
  expect(keys_of('viewer', {})).toBe('Z');
  expect(keys_of('viewer', { viewer: 'G' })).toBe('G');
  expect(conflicts('viewer', 'G', {})).toEqual(['toggle_gallery']);
});

test('a sheet takes each picture at its place', () => {
  const x = { name: 'steps', values: [1, 2] };
  useSheets.setState({ sheets: [] });
  useSheets.getState().add({
    id: 's',
    created: 0,
    prompt: 'a fox',
    x,
    y: null,
    jobs: ['a', 'b'],
    pictures: [null, null],
  });
  put_on_sheet('b', 'two.png');
  put_on_sheet('z', 'other.png');
  expect(useSheets.getState().sheets[0]?.pictures).toEqual([null, 'two.png']);
});

test('empty filters are not sent', () => {
  expect(whole_filter('all', { search: '', board: undefined })).toEqual({});
  expect(whole_filter('all', { search: ' fox ' })).toEqual({ search: 'fox' });
  expect(whole_filter('upload', { search: 'fox' })).toEqual({ kind: 'upload', search: 'fox' });
});

test('the newest picture is shown where none is, and only there', async () => {
  const asked = fake_network({ 'GET images': { images: [{ name: 'new.png' }] } });
  useSelection.setState({ current: null, chosen: [], watching: true });
  await show_newest();
  const { current, watching } = useSelection.getState();
  expect([current, watching]).toEqual(['new.png', true]);
  show_picture('old.png');
  await show_newest();
  expect(useSelection.getState().current).toBe('old.png');
  expect(asked).toHaveLength(1);
});
