import { describe, expect, test } from 'vitest';
import { read_axis } from './axis';
import { duration, time_taken } from './format';
import { combination, keeps_key, key_names, takes_text } from './hotkeys';
import { preferred_language } from './i18n';
import { clamp, read_number } from './numbers';
import { seed_weights_valid } from './seeds';
import { has_mask } from './strokes';
import { as_transform, no_view, zoomed } from './view';

describe('seed weights', () => {
  test.each([
    ['', true],
    ['123:0.25,77:0.5', true],
    [' 123:1 , 77:.5 ', true],
    ['123', false],
    ['123:', false],
    ['-1:0.5', false],
    ['1.5:0.5', false],
    ['1:1.5', false],
    ['4294967296:0.5', false],
    ['1:0.5,', false],
  ])('%j is %s', (text, valid) => expect(seed_weights_valid(text)).toBe(valid));
});

describe('numbers stay in their bounds', () => {
  const bounds = { low: 1, high: 999, whole: true };
  test.each([
    [0, bounds, 1],
    [12.9, bounds, 12],
    [5000, bounds, 999],
    [100, { low: 64, high: 8192, multiple: 8, whole: true }, 104],
    [0, { low: 0, high: 1, low_open: true }, 0.01],
    [7.5, { low: 1, high: null }, 7.5],
  ])('%d', (value, limits, wanted) => expect(clamp(value, limits)).toBe(wanted));

  test.each([
    ['7,5', 7.5],
    [' 3 ', 3],
    ['', null],
    ['many', null],
  ])('%j reads as %s', (text, wanted) => expect(read_number(text)).toBe(wanted));
});

describe('axis values', () => {
  const steps = { type: 'integer', low: 1, high: 999, choices: [] } as const;
  const sampler = { type: 'text', low: null, high: null, choices: ['ddim', 'k_lms'] } as const;
  const flag = { type: 'flag', low: null, high: null, choices: [] } as const;
  const share = { type: 'real', low: 0, high: 1, choices: [] } as const;
  test.each([
    ['10, 20,30', steps, [10, 20, 30]],
    ['10-50:20', steps, [10, 30, 50]],
    ['1-3, 9', steps, [1, 2, 3, 9]],
    ['0.25-0.75:0.25', share, [0.25, 0.5, 0.75]],
    ['ddim,k_lms', sampler, ['ddim', 'k_lms']],
    ['on, off', flag, [true, false]],
    ['', steps, null],
    ['0', steps, null],
    ['1.5', steps, null],
    ['50-10', steps, null],
    ['euler', sampler, null],
    ['maybe', flag, null],
  ])('%j', (text, kind, wanted) => expect(read_axis(text, kind)).toEqual(wanted));
});

describe('key combinations', () => {
  const press = (key: string, held: object = {}) =>
    combination({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });
  test.each([
    [press('a'), 'A'],
    [press('A', { shiftKey: true }), 'Shift+A'],
    [press('Enter', { ctrlKey: true }), 'Mod+Enter'],
    [press('?', { shiftKey: true }), '?'],
    [press('å', { altKey: true, code: 'KeyA' }), 'Alt+A'],
    [press('Shift', { shiftKey: true }), null],
    [press(' '), 'Space'],
  ])('%s', (found, wanted) => expect(found).toBe(wanted));

  test('a plus is a key like others', () => {
    expect(key_names('+')).toEqual(['+']);
    expect(key_names('Shift++')).toEqual(['Shift', '+']);
    expect(key_names('Shift+A')).toEqual(['Shift', 'A']);
  });

  test('only text entry keeps keys for itself', () => {
    const input = (type: string) => Object.assign(document.createElement('input'), { type });
    expect(takes_text(input('text'))).toBe(true);
    expect(takes_text(document.createElement('textarea'))).toBe(true);
    expect(takes_text(input('checkbox'))).toBe(false);
    expect(takes_text(input('range'))).toBe(false);
    expect(takes_text(document.createElement('button'))).toBe(false);
  });

  test('arrows move a slider, other keys pass it', () => {
    const slider = Object.assign(document.createElement('input'), { type: 'range' });
    expect(keeps_key(slider, 'ArrowLeft')).toBe(true);
    expect(keeps_key(slider, 'z')).toBe(false);
    expect(keeps_key(document.createElement('button'), 'ArrowLeft')).toBe(false);
  });
});

test('a zoom keeps the point under the pointer', () => {
  const view = zoomed(zoomed(no_view, 2, 100, 50), 1.5, -30, 10);
  expect(view.scale).toBe(3);
  // What lay 100 right of the middle at first lies where the second zoom put it.
  expect(view.x).toBeCloseTo(-30 - (-30 + 100) * 1.5);
  expect(zoomed(no_view, 1000).scale).toBe(20);
  expect(as_transform({ ...no_view, angle: 90, flipped: true })).toContain('scaleX(-1)');
});

test('times are short', () => {
  expect(duration(7.6)).toBe('8 s');
  expect(duration(125)).toBe('2:05');
  expect(duration(3725)).toBe('1:02:05');
  expect(time_taken(0.44, 'en')).toBe('0.4 s');
  expect(time_taken(12.3, 'en')).toBe('12 s');
});

test('the first language we speak is taken', () => {
  expect(preferred_language(['nl-NL', 'zh-Hans-CN', 'en'])).toBe('zh');
  expect(preferred_language(['nl'])).toBe('en');
});

test('a mask of erased strokes only is none', () => {
  const stroke = (erase: boolean) => ({ erase, size: 4, points: [[1, 1]] as [number, number][] });
  expect(has_mask([stroke(true)])).toBe(false);
  expect(has_mask([stroke(true), stroke(false)])).toBe(true);
});
