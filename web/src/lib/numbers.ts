/** Values within the bounds of a setting. */

export interface Bounds {
  low: number | null;
  high: number | null;
  low_open?: boolean;
  multiple?: number;
  whole?: boolean;
}

/** The nearest allowed value. A bound that is itself forbidden is left by a hundredth. */
export function clamp(value: number, bounds: Bounds): number {
  let result = value;
  if (bounds.whole) result = Math.floor(result);
  const multiple = bounds.multiple ?? 1;
  if (bounds.whole && multiple > 1) result = Math.round(result / multiple) * multiple;
  const low = bounds.low === null ? null : bounds.low_open ? bounds.low + 0.01 : bounds.low;
  if (low !== null) result = Math.max(low, result);
  if (bounds.high !== null) result = Math.min(bounds.high, result);
  return result;
}

/** Free of the noise of binary fractions: 0.30000000000000004 is 0.3. */
export function tidy(value: number): number {
  return Number(value.toFixed(4));
}

/** What a person typed, with a comma or a point; null if it is no number. */
export function read_number(text: string): number | null {
  const trimmed = text.trim().replace(',', '.');
  if (trimmed === '' || Number.isNaN(Number(trimmed))) return null;
  return Number(trimmed);
}
