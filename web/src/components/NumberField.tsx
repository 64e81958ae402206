import { Slider } from 'radix-ui';
import { useState } from 'react';
import { clamp, read_number, tidy, type Bounds } from '@/lib/numbers';
import styles from './NumberField.module.css';

interface NumberFieldProps {
  id?: string;
  label: string;
  value: number;
  bounds: Bounds;
  step: number;
  /** A slider over this range; typing reaches all of `bounds`. */
  slider?: [number, number];
  /** Where there is little room: the slider alone. */
  only_slider?: boolean;
  disabled?: boolean;
  onChange(value: number): void;
}

/** A number to type, to step and to slide. What was typed is bounded when the field is left. */
export function NumberField(props: NumberFieldProps) {
  const { id, label, value, bounds, step, slider, only_slider, disabled, onChange } = props;
  const [draft, setDraft] = useState<string | null>(null);

  const commit = () => {
    const typed = draft === null ? null : read_number(draft);
    if (typed !== null) onChange(tidy(clamp(typed, bounds)));
    setDraft(null);
  };
  const nudge = (direction: number) => {
    setDraft(null);
    onChange(tidy(clamp(value + direction * step, bounds)));
  };

  return (
    <div className={styles.number} data-disabled={disabled || undefined}>
      {slider && (
        <Slider.Root
          className={styles.slider}
          value={[Math.min(Math.max(value, slider[0]), slider[1])]}
          min={slider[0]}
          max={slider[1]}
          step={step}
          disabled={disabled}
          onValueChange={([next]) => next !== undefined && onChange(tidy(clamp(next, bounds)))}
        >
          <Slider.Track className={styles.track}>
            <Slider.Range className={styles.range} />
          </Slider.Track>
          <Slider.Thumb className={styles.thumb} aria-label={label} />
        </Slider.Root>
      )}
      {!only_slider && (
        <input
          id={id}
          aria-label={id ? undefined : label}
          className={slider ? styles.short : styles.input}
          inputMode="decimal"
          autoComplete="off"
          disabled={disabled}
          value={draft ?? String(value)}
          onChange={(event) => setDraft(event.target.value)}
          onBlur={commit}
          onKeyDown={(event) => {
            if (event.key === 'Enter') commit();
            if (event.key === 'ArrowUp') nudge(1);
            else if (event.key === 'ArrowDown') nudge(-1);
            else return;
            event.preventDefault();
          }}
        />
      )}
    </div>
  );
}
