import { useCallback, useEffect, useRef, type CSSProperties, type ReactNode } from 'react';
import { class_names } from '@/lib/class_names';
import { takes_text } from '@/lib/hotkeys';
import styles from './Drawer.module.css';

interface DrawerProps {
  side: 'left' | 'right';
  label: string;
  /** Beside the work area; else over it, until the user turns elsewhere. */
  pinned: boolean;
  className?: string;
  style?: CSSProperties;
  onClose(): void;
  children: ReactNode;
}

const patience = 500; // milliseconds the pointer may be elsewhere

/** Something opened out of the panel (a list, a menu, a dialog) is in use. */
const in_use = () => document.querySelector('[role="listbox"],[role="menu"],[role="dialog"]');

/** A panel at a side. Floating, it closes when the pointer leaves it or something else is pressed. */
export function Drawer({ side, label, pinned, className, style, onClose, children }: DrawerProps) {
  const panel = useRef<HTMLElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const stay = useCallback(() => clearTimeout(timer.current), []);
  const leave = () => {
    stay();
    timer.current = setTimeout(() => {
      const writing =
        takes_text(document.activeElement) && panel.current?.contains(document.activeElement);
      if (!writing && !in_use()) onClose();
    }, patience);
  };
  useEffect(() => stay, [stay, pinned]);

  // React's events also come from what the panel opened elsewhere in the document.
  const inside = useRef(false);
  useEffect(() => {
    if (pinned) return;
    const press = () => {
      if (!inside.current && !in_use()) onClose();
      inside.current = false;
    };
    document.addEventListener('pointerdown', press);
    return () => document.removeEventListener('pointerdown', press);
  }, [pinned, onClose]);

  return (
    <aside
      ref={panel}
      className={class_names(styles.drawer, className, !pinned && styles.floating)}
      data-side={side}
      style={style}
      aria-label={label}
      onPointerDown={() => {
        inside.current = !pinned;
      }}
      onPointerEnter={stay}
      onPointerLeave={pinned ? undefined : (event) => event.pointerType !== 'touch' && leave()}
    >
      {children}
    </aside>
  );
}
