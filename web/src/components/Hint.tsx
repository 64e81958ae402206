import { Tooltip } from 'radix-ui';
import type { ReactElement } from 'react';
import styles from './Hint.module.css';
import { Keys } from './Keys';

/** A hint beside an element, on hover and on keyboard focus. */
export function Hint({
  text,
  keys,
  children,
}: {
  text: string;
  keys?: string;
  children: ReactElement;
}) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className={styles.hint} sideOffset={6} collisionPadding={8}>
          {text}
          {keys && <Keys keys={keys} />}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
