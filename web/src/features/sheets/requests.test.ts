import { expect, test } from 'vitest';
import { sheet_requests } from './requests';

test('one request for each place, row by row, with one seed', () => {
  const base = { prompt: 'a red star', values: { iterations: 4, cfg_scale: 2 } };
  const x = { name: 'steps', values: [10, 20] };
  const y = { name: 'prompt', values: ['red', 'blue'] };
  const requests = sheet_requests(base, x, y);
  expect(requests.map((request) => [request.prompt, request.values?.steps])).toEqual([
    ['a red star', 10],
    ['a red star', 20],
    ['a blue star', 10],
    ['a blue star', 20],
  ]);
  expect(new Set(requests.map((request) => request.values?.seed)).size).toBe(1);
  expect(requests[0]?.values).toMatchObject({ iterations: 1, cfg_scale: 2 });
});
