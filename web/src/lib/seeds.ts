/** Seeds and seed weights (`seed:weight,seed:weight`). */

export const max_seed = 4294967295;

export function random_seed(): number {
  return Math.floor(Math.random() * (max_seed + 1));
}

/** Empty or pairs of a whole seed and a weight from 0 to 1, as the server reads them. */
export function seed_weights_valid(text: string): boolean {
  if (text.trim() === '') return true;
  return text.split(',').every((pair) => {
    const match = /^\s*(\d+)\s*[:,]\s*(\d*\.?\d+)\s*$/.exec(pair);
    return match !== null && Number(match[1]) <= max_seed && Number(match[2]) <= 1;
  });
}
