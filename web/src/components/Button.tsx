import type { ComponentProps, ReactNode } from 'react';
import { class_names } from '@/lib/class_names';
import styles from './Button.module.css';
import { Hint } from './Hint';

type Look = 'plain' | 'primary' | 'ghost' | 'danger' | 'destroy';

interface ButtonProps extends ComponentProps<'button'> {
  look?: Look;
  icon?: ReactNode;
  small?: boolean;
  /** Shown on hover and focus; for a disabled button it says why. */
  hint?: string;
}

export function Button({
  look = 'plain',
  icon,
  small,
  hint,
  className,
  children,
  ...rest
}: ButtonProps) {
  const classes = class_names(styles.button, styles[look], small && styles.small, className);
  // aria-disabled instead of disabled: the reason can still be read with the keyboard.
  const { disabled, onClick, ...other } = rest;
  const button = (
    <button
      type="button"
      {...other}
      className={classes}
      aria-disabled={disabled || undefined}
      onClick={disabled ? (event) => event.preventDefault() : onClick}
    >
      {icon}
      {children !== undefined && <span>{children}</span>}
    </button>
  );
  return hint ? <Hint text={hint}>{button}</Hint> : button;
}

interface IconButtonProps extends Omit<ButtonProps, 'children' | 'icon' | 'hint'> {
  label: string;
  keys?: string;
  icon: ReactNode;
  pressed?: boolean;
}

/** An icon with its name as label and hint. */
export function IconButton({
  label,
  keys,
  icon,
  pressed,
  look = 'ghost',
  ...rest
}: IconButtonProps) {
  const { disabled, onClick, className, small, ...other } = rest;
  return (
    <Hint text={label} keys={keys}>
      <button
        type="button"
        {...other}
        aria-label={label}
        aria-pressed={pressed}
        aria-disabled={disabled || undefined}
        onClick={disabled ? (event) => event.preventDefault() : onClick}
        className={class_names(
          styles.button,
          styles.icon,
          styles[look],
          small && styles.small,
          pressed && styles.pressed,
          className,
        )}
      >
        {icon}
      </button>
    </Hint>
  );
}
