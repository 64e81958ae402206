// @vitest-environment node
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { target, wire_types } from './wire';

test('the wire types are those of the server (else: npm run wire)', async () => {
  expect(await readFile(target, 'utf8')).toBe(await wire_types());
});
