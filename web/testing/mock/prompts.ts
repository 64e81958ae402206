/** A rough reading of prompts, near enough to the server's for development. */

import type { Reading } from '../../src/wire/types';

export function read(prompt: string): Reading {
  const parts = prompt
    .split(/(\([^)]*\)[+-]*|\S+?[+-]+(?=\s|,|$))/)
    .filter((text) => text.trim() !== '')
    .map((text) => {
      const signs = /([+-]+)$/.exec(text)?.[1] ?? '';
      const weight = signs ? (signs.startsWith('+') ? 1.1 : 0.9) ** signs.length : 1;
      const words = text.replace(/[()+-]/g, ' ').trim();
      return { text: words, weight, tokens: words.split(/\s+/).filter(Boolean).length };
    });
  const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
  const notes = tokens > 75 ? [{ column: 0, message: 'only the first 75 tokens count' }] : [];
  return { tokens, limit: 75, parts, tree: [], notes };
}

/** All choices of {a|b}, up to `count`. */
export function expand(prompt: string, count: number): { prompts: string[]; total: number } {
  let all = [prompt];
  for (;;) {
    const first = all[0] ?? '';
    if (!/\{[^{}]*\}/.test(first)) break;
    all = all.flatMap((text) => {
      const match = /\{([^{}]*)\}/.exec(text);
      return match
        ? (match[1] ?? '').split('|').map((word) => text.replace(match[0], word))
        : [text];
    });
  }
  return { prompts: all.slice(0, count), total: all.length };
}
