/** Prompts as text; what they mean is the server's to say. */

/**
 * The words in brackets at the end of a prompt, apart: in the invoke dialect pictures carry their
 * negative words there. What comes before, other brackets too, stays as it was typed.
 */
export function split_negative(prompt: string): { prompt: string; negative_prompt: string } {
  const found = /^(.*\S) \[([^[\]\n]+)\]$/s.exec(prompt);
  if (!found) return { prompt, negative_prompt: '' };
  return { prompt: found[1] ?? '', negative_prompt: found[2] ?? '' };
}
