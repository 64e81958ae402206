import { describe, expect, test } from 'vitest';
import de from './de.json';
import en from './en.json';
import es from './es.json';
import fr from './fr.json';
import ja from './ja.json';
import zh from './zh.json';

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

/** Languages differ in their plural forms, and the help of settings is the server's in English. */
const base = (key: string) => key.replace(/_(zero|one|two|few|many|other)$/, '');
const keys = (texts: Record<string, string>) =>
  [...new Set(Object.keys(texts).map(base))]
    .filter((key) => !/^setting\..*\.help$/.test(key))
    .sort();
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
