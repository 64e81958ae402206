import { useRef, type PointerEvent } from 'react';
import styles from './Splitter.module.css';

interface SplitterProps {
  label: string;
  /** Width in pixels of the pane at the right. */
  value: number;
  low: number;
  high: number;
  onChange(width: number): void;
}

const keyboard_step = 16; // pixels

/** The border of a pane, movable with mouse, finger and arrow keys. */
export function Splitter({ label, value, low, high, onChange }: SplitterProps) {
  const start = useRef<{ x: number; width: number } | null>(null);
  const put = (width: number) => onChange(Math.round(Math.min(high, Math.max(low, width))));
  const move = (event: PointerEvent) => {
    if (start.current) put(start.current.width + start.current.x - event.clientX);
  };
  return (
    // A separator that can be moved is a widget, which the rule does not know.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      className={styles.splitter}
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={low}
      aria-valuemax={high}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, width: value };
      }}
      onPointerMove={move}
      onPointerUp={() => {
        start.current = null;
      }}
      onKeyDown={(event) => {
        if (event.key === 'ArrowLeft') put(value + keyboard_step);
        else if (event.key === 'ArrowRight') put(value - keyboard_step);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    />
  );
}
