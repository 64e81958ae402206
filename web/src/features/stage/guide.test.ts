import { expect, test } from 'vitest';
import type { Model } from '@/wire/types';
import { first_prompt_for } from './Guide';

test.each([
  [null, 'small'],
  [{ kind: '', native_width: 512 }, 'small'], // not loaded yet: the size is only the usual one
  [{ kind: 'sd1', native_width: 128 }, 'small'],
  [{ kind: 'sd1', native_width: 256 }, 'small'],
  [{ kind: 'sd1', native_width: 512 }, 'large'],
] as const)('the first prompt for %j is %s', (model, wanted) =>
  expect(first_prompt_for(model as Model | null)).toBe(wanted),
);
