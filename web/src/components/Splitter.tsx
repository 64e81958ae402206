import { useRef, type PointerEvent } from 'react';
import styles from './Splitter.module.css';

interface SplitterProps {
  label: string;
  /** Which border of its pane it is; the pane's width or height in pixels is `value`. */
  side: 'left' | 'top';
  value: number;
  low: number;
  high: number;
  onChange(size: number): void;
}

const keyboard_step = 16; // pixels

/** The border of a pane, movable with mouse, finger and arrow keys. */
export function Splitter({ label, side, value, low, high, onChange }: SplitterProps) {
  const start = useRef<{ at: number; size: number } | null>(null);
  const put = (size: number) => onChange(Math.round(Math.min(high, Math.max(low, size))));
  const [more, less] = side === 'left' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown'];
  const place = (event: PointerEvent) => (side === 'left' ? event.clientX : event.clientY);
  return (
    // A separator that can be moved is a widget, which the rule does not know.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      className={styles.splitter}
      role="separator"
      aria-orientation={side === 'left' ? 'vertical' : 'horizontal'}
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={low}
      aria-valuemax={high}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { at: place(event), size: value };
      }}
      onPointerMove={(event) => {
        if (start.current) put(start.current.size + start.current.at - place(event));
      }}
      onPointerUp={() => {
        start.current = null;
      }}
      onKeyDown={(event) => {
        if (event.key === more) put(value + keyboard_step);
        else if (event.key === less) put(value - keyboard_step);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    />
  );
}
