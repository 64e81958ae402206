import { Switch, ToggleGroup } from 'radix-ui';
import type { ReactNode } from 'react';
import styles from './Toggle.module.css';

interface ToggleProps {
  id?: string;
  label: string;
  on: boolean;
  disabled?: boolean;
  onChange(on: boolean): void;
}

/** On or off. */
export function Toggle({ id, label, on, disabled, onChange }: ToggleProps) {
  return (
    <Switch.Root
      id={id}
      className={styles.toggle}
      aria-label={label}
      checked={on}
      disabled={disabled}
      onCheckedChange={onChange}
    >
      <Switch.Thumb className={styles.thumb} />
    </Switch.Root>
  );
}

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  choices: readonly { value: T; label: string; icon?: ReactNode }[];
  onChange(value: T): void;
}

/** One of a few, side by side. */
export function Segments<T extends string>({ label, value, choices, onChange }: SegmentsProps<T>) {
  return (
    <ToggleGroup.Root
      type="single"
      className={styles.segments}
      aria-label={label}
      value={value}
      onValueChange={(next: string) => next && onChange(next as T)}
    >
      {choices.map((choice) => (
        <ToggleGroup.Item key={choice.value} value={choice.value} className={styles.segment}>
          {choice.icon}
          {choice.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
