// @vitest-environment node
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import de from './de.json';
import en from './en.json';
import es from './es.json';
import fr from './fr.json';
import ja from './ja.json';
import zh from './zh.json';

/** The settings table of the program: names of those that a request may hold. */
const table = readFileSync(
  new URL('../../../src/base/settings_table.cpp', import.meta.url),
  'utf8',
);
const kept_back = ['help', 'outdir', 'fnformat', 'log_tokenization', 'init_color', 'new_prompt'];
const settings = table
  .split('{.name = "')
  .slice(1)
  .filter((entry) => entry.includes('.prompt = Use::works'))
  .map((entry) => entry.slice(0, entry.indexOf('"')))
  .filter((name) => !kept_back.includes(name));

/** Texts that the page asks for by their whole name. */
const sources = import.meta.glob<string>(['../**/*.{ts,tsx}', '!../**/*.test.*'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const asked = Object.values(sources).flatMap((source) =>
  [...source.matchAll(/\bt\(\s*'([\w.]+)'/g)].map((found) => found[1] ?? ''),
);

type Texts = { [key: string]: string | Texts };

function flat(texts: Texts, path = ''): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).flatMap(([key, value]) =>
      typeof value === 'string'
        ? [[path + key, value]]
        : Object.entries(flat(value, `${path}${key}.`)),
    ),
  );
}

/** Languages differ in their plural forms. */
const base = (key: string) => key.replace(/_(zero|one|two|few|many|other)$/, '');
const keys = (texts: Record<string, string>) => [...new Set(Object.keys(texts).map(base))].sort();
const places = (text: string) => [...new Set(text.match(/\{\{\w+\}\}/g) ?? [])].sort();

const english = flat(en);

describe.each(Object.entries({ de, fr, es, ja, zh }))('%s', (_, texts) => {
  const theirs = flat(texts as Texts);
  test('has every text', () => expect(keys(theirs)).toEqual(keys(english)));
  test('has a general form of every plural', () => {
    const plurals = Object.keys(english).filter((key) => key.endsWith('_other'));
    expect(plurals.filter((key) => !(key in theirs))).toEqual([]);
  });
  test('names the same values', () => {
    for (const [key, text] of Object.entries(theirs)) {
      const original = english[key] ?? english[`${base(key)}_other`];
      // A form for one or none may leave the number out.
      if (original === undefined || /_(zero|one)$/.test(key)) continue;
      expect([key, places(text)]).toEqual([key, places(original)]);
    }
  });
});

test('every setting of the program has a name and a help', () => {
  expect(settings.length).toBeGreaterThan(40);
  const wanted = settings.flatMap((name) => [`setting.${name}.label`, `setting.${name}.help`]);
  expect(wanted.filter((key) => !(key in english))).toEqual([]);
});

test('every text that the page asks for is there', () => {
  expect(asked.length).toBeGreaterThan(200);
  const known = new Set(keys(english));
  expect([...new Set(asked)].filter((key) => !known.has(base(key)))).toEqual([]);
});
