/** The jobs of an X/Y grid. */

import { random_seed } from '@/lib/seeds';
import type { AxisValue } from '@/lib/axis';
import type { Axis } from '@/state/sheets';
import type { JobRequest } from '@/wire/types';

/** One value of an axis in a request. On the prompt, the axis' first value is what is replaced. */
function with_axis(request: JobRequest, axis: Axis, value: AxisValue): JobRequest {
  if (axis.name !== 'prompt')
    return { ...request, values: { ...request.values, [axis.name]: value } };
  const wanted = String(axis.values[0]);
  return { ...request, prompt: request.prompt.replaceAll(wanted, String(value)) };
}

/** A request for each place of the sheet, row by row; one seed for all, one picture each. */
export function sheet_requests(base: JobRequest, x: Axis, y: Axis | null): JobRequest[] {
  const seed = base.values?.seed ?? random_seed();
  const common = {
    ...base,
    values: { ...base.values, seed, iterations: 1, dynamic_prompts: false },
  };
  const rows = y ? y.values.map((value) => with_axis(common, y, value)) : [common];
  return rows.flatMap((row) => x.values.map((value) => with_axis(row, x, value)));
}
