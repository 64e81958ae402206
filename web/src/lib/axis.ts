/** The values of one side of an X/Y grid, as people write them. */

export interface AxisKind {
  type: 'integer' | 'real' | 'flag' | 'text';
  low: number | null;
  high: number | null;
  choices: readonly string[];
}

export type AxisValue = string | number | boolean;

/** `10-50:10` is 10, 20, 30, 40, 50; `1-3` goes in ones. Null if it is no range. */
function read_range(text: string): number[] | null {
  const match = /^(-?\d*\.?\d+)\s*-\s*(-?\d*\.?\d+)(?::(\d*\.?\d+))?$/.exec(text);
  if (!match) return null;
  const [from, to, step] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 1)];
  if (step <= 0 || to < from || (to - from) / step > 1000) return null;
  const steps = Math.floor((to - from) / step + 1e-9);
  return Array.from({ length: steps + 1 }, (_, index) => Number((from + index * step).toFixed(6)));
}

function read_one(text: string, kind: AxisKind): AxisValue[] | null {
  if (kind.type === 'flag') {
    if (/^(on|true|1)$/i.test(text)) return [true];
    return /^(off|false|0)$/i.test(text) ? [false] : null;
  }
  if (kind.type === 'text') {
    return kind.choices.length > 0 && !kind.choices.includes(text) ? null : [text];
  }
  const numbers = read_range(text) ?? [Number(text)];
  const fits = numbers.every(
    (number) =>
      !Number.isNaN(number) &&
      (kind.type === 'real' || Number.isInteger(number)) &&
      (kind.low === null || number >= kind.low) &&
      (kind.high === null || number <= kind.high),
  );
  return fits ? numbers : null;
}

/** All values of a list separated by commas; null if one does not fit or there is none. */
export function read_axis(text: string, kind: AxisKind): AxisValue[] | null {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (words.length === 0) return null;
  const values: AxisValue[] = [];
  for (const word of words) {
    const some = read_one(word, kind);
    if (!some) return null;
    values.push(...some);
  }
  return values;
}
