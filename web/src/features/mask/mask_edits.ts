import { useState } from 'react';
import { useParameters } from '@/state/parameters';
import type { Stroke } from '@/lib/strokes';

export const brush_sizes = { low: 4, high: 512 }; // pixels of the picture

/** The strokes of the mask, with undo and redo. */
export function useMaskEdits() {
  const { strokes, change, set, values } = useParameters();
  const [undone, setUndone] = useState<Stroke[]>([]);

  /** A painted mask takes the place of one that was recalled with a picture. */
  const put = (next: Stroke[], redoable: Stroke[]) => {
    change({ strokes: next });
    setUndone(redoable);
    if (values.init_mask) set('init_mask', null);
  };
  const [last, next] = [strokes.at(-1), undone.at(-1)];
  return {
    strokes,
    add: (stroke: Stroke) => put([...strokes, stroke], []),
    undo: last && (() => put(strokes.slice(0, -1), [...undone, last])),
    redo: next && (() => put([...strokes, next], undone.slice(0, -1))),
    clear: last && (() => put([], [])),
  };
}

export type MaskEdits = ReturnType<typeof useMaskEdits>;
