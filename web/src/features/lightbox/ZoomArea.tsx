import { useCallback, useEffect, useRef, useState, type PointerEvent } from 'react';
import styles from './Lightbox.module.css';

export interface View {
  scale: number; // of the picture fitted to the area
  x: number;
  y: number;
  angle: number;
  flipped: boolean;
}

export const no_view: View = { scale: 1, x: 0, y: 0, angle: 0, flipped: false };
const scales = { low: 0.1, high: 20 };

/** A zoom that keeps the point (px, py), counted from the middle of the area, where it is. */
export function zoomed(view: View, factor: number, px = 0, py = 0): View {
  const scale = Math.min(scales.high, Math.max(scales.low, view.scale * factor));
  const real = scale / view.scale;
  return { ...view, scale, x: px - (px - view.x) * real, y: py - (py - view.y) * real };
}

/** The view of one picture; another picture begins anew. */
export function useView(name: string) {
  const [state, setState] = useState({ name, view: no_view });
  if (state.name !== name) setState({ name, view: no_view });
  const setView = useCallback((view: View) => setState((old) => ({ ...old, view })), []);
  const zoom = (factor: number) => setView(zoomed(state.view, factor));
  return { view: state.view, setView, zoom };
}

interface ZoomAreaProps {
  source: string;
  alt: string;
  view: View;
  onChange(view: View): void;
}

/** Wheel and pinch zoom about the pointer; dragging moves. */
export function ZoomArea({ source, alt, view, onChange }: ZoomAreaProps) {
  const area = useRef<HTMLDivElement>(null);
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const latest = useRef(view);
  useEffect(() => {
    latest.current = view;
  });

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
      onChange(zoomed(latest.current, factor, ...from_middle(event.clientX, event.clientY)));
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, [onChange]);

  const move = (event: PointerEvent) => {
    const before = pointers.current.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
    pointers.current.set(event.pointerId, now);
    if (other) {
      const far = (a: typeof now, b: typeof now) => Math.hypot(a.x - b.x, a.y - b.y);
      const factor = far(now, other) / Math.max(1, far(before, other));
      const middle = from_middle((now.x + other.x) / 2, (now.y + other.y) / 2);
      onChange(zoomed(view, factor, ...middle));
    } else {
      onChange({ ...view, x: view.x + now.x - before.x, y: view.y + now.y - before.y });
    }
  };

  const transform =
    `translate(${view.x}px, ${view.y}px) scale(${view.scale}) ` +
    `rotate(${view.angle}deg) scaleX(${view.flipped ? -1 : 1})`;

  return (
    <div
      ref={area}
      className={styles.zoom}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      }}
      onPointerMove={move}
      onPointerUp={(event) => pointers.current.delete(event.pointerId)}
      onPointerCancel={(event) => pointers.current.delete(event.pointerId)}
    >
      <img src={source} alt={alt} draggable={false} style={{ transform }} />
    </div>
  );
}
