import { Popover } from 'radix-ui';
import type { ReactElement, ReactNode } from 'react';
import styles from './Floating.module.css';

interface FloatingProps {
  trigger: ReactElement;
  label: string;
  open?: boolean;
  onOpenChange?(open: boolean): void;
  children: ReactNode;
}

/** A small panel beside its button. */
export function Floating({ trigger, label, open, onOpenChange, children }: FloatingProps) {
  return (
    <Popover.Root open={open} onOpenChange={onOpenChange}>
      <Popover.Trigger asChild>{trigger}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className={styles.panel}
          aria-label={label}
          sideOffset={6}
          collisionPadding={12}
        >
          {children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
