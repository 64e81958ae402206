import { ContextMenu, DropdownMenu } from 'radix-ui';
import type { ReactElement, ReactNode } from 'react';
import { class_names } from '@/lib/class_names';
import { Keys } from './Keys';
import styles from './Menu.module.css';

export interface MenuEntry {
  label: string;
  icon?: ReactNode;
  keys?: string;
  disabled?: boolean;
  danger?: boolean;
  run(): void;
}

/** Entries, or a sub-menu, or a line between. */
export type MenuItems = readonly (
  MenuEntry | { label: string; icon?: ReactNode; items: MenuItems } | 'line'
)[];

type Kit = typeof DropdownMenu | typeof ContextMenu;

function Items({ kit, items }: { kit: Kit; items: MenuItems }) {
  const Part = kit as typeof DropdownMenu;
  return items.map((item, index) => {
    if (item === 'line') return <Part.Separator key={`line${index}`} className={styles.line} />;
    if ('items' in item) {
      return (
        <Part.Sub key={item.label}>
          <Part.SubTrigger className={styles.item}>
            {item.icon}
            <span>{item.label}</span>
            <span aria-hidden>›</span>
          </Part.SubTrigger>
          <Part.Portal>
            <Part.SubContent className={styles.menu} collisionPadding={8}>
              <Items kit={kit} items={item.items} />
            </Part.SubContent>
          </Part.Portal>
        </Part.Sub>
      );
    }
    return (
      <Part.Item
        key={item.label}
        className={class_names(styles.item, item.danger && styles.danger)}
        disabled={item.disabled}
        onSelect={() => item.run()}
      >
        {item.icon}
        <span>{item.label}</span>
        {item.keys && <Keys keys={item.keys} />}
      </Part.Item>
    );
  });
}

/** A menu behind a button. */
export function Menu({ trigger, items }: { trigger: ReactElement; items: MenuItems }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className={styles.menu} sideOffset={4} collisionPadding={8}>
          <Items kit={DropdownMenu} items={items} />
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** A menu on right click, long press or the menu key. The items are made when it opens. */
export function ContextMenuArea({
  items,
  children,
}: {
  items: () => MenuItems;
  children: ReactElement;
}) {
  return (
    <ContextMenu.Root modal={false}>
      <ContextMenu.Trigger asChild>{children}</ContextMenu.Trigger>
      <ContextMenu.Portal>
        <ContextMenu.Content className={styles.menu} collisionPadding={8}>
          <LazyItems items={items} />
        </ContextMenu.Content>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
}

function LazyItems({ items }: { items: () => MenuItems }) {
  return <Items kit={ContextMenu} items={items()} />;
}
