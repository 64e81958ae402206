import { useEffect, useRef, type PointerEvent, type RefObject } from 'react';
import { zoomed, type View } from '@/lib/view';

interface Place {
  x: number;
  y: number;
}

const far = (a: Place, b: Place) => Math.hypot(a.x - b.x, a.y - b.y);

/**
 * Zoom about the pointer with wheel and two fingers, and moving by dragging, over `area`. The caller
 * hands its pointer events on; `move` says whether it was a gesture of the view.
 */
export function useZoomGestures(
  area: RefObject<HTMLElement | null>,
  view: View,
  onChange: (view: View) => void,
) {
  const pointers = useRef(new Map<number, Place>());
  const latest = useRef({ view, onChange });
  useEffect(() => {
    latest.current = { view, onChange };
  });

  const put = (next: View) => {
    latest.current.view = next; // the next event may come before the next rendering
    latest.current.onChange(next);
  };
  const shifted = (x: number, y: number): View => {
    const { view: old } = latest.current;
    return { ...old, x: old.x + x, y: old.y + y };
  };
  const from_middle = (x: number, y: number): [number, number] => {
    const box = area.current?.getBoundingClientRect();
    if (!box) return [0, 0];
    return [x - box.left - box.width / 2, y - box.top - box.height / 2];
  };

  // A listener of our own: React's wheel events may not be stopped from scrolling the page.
  useEffect(() => {
    const element = area.current;
    if (!element) return;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const factor = 0.999 ** (event.ctrlKey ? event.deltaY * 5 : event.deltaY);
      const box = element.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      const next = zoomed(latest.current.view, factor, x - box.width / 2, y - box.height / 2);
      latest.current.view = next;
      latest.current.onChange(next);
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, [area]);

  return {
    /** Fingers or buttons that are down. */
    down(event: PointerEvent): number {
      pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      return pointers.current.size;
    },
    /** With two fingers it zooms; with one it moves the view if `drags`. */
    move(event: PointerEvent, drags: boolean): boolean {
      const before = pointers.current.get(event.pointerId);
      if (!before) return false;
      const now = { x: event.clientX, y: event.clientY };
      const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
      pointers.current.set(event.pointerId, now);
      if (other) {
        const factor = far(now, other) / Math.max(1, far(before, other));
        const middle = from_middle((now.x + other.x) / 2, (now.y + other.y) / 2);
        put(zoomed(shifted((now.x - before.x) / 2, (now.y - before.y) / 2), factor, ...middle));
      } else if (drags) put(shifted(now.x - before.x, now.y - before.y));
      return drags || other !== undefined;
    },
    /** Fingers that are still down. */
    up(event: PointerEvent): number {
      pointers.current.delete(event.pointerId);
      return pointers.current.size;
    },
  };
}
