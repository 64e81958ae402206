import { ChevronRight } from 'lucide-react';
import { Collapsible } from 'radix-ui';
import type { ReactNode } from 'react';
import { Help } from './Field';
import styles from './Section.module.css';
import { Toggle } from './Toggle';

interface SectionProps {
  title: string;
  help?: string;
  /** A few words about what is set inside, seen while it is closed. */
  summary?: string;
  open: boolean;
  onOpenChange(open: boolean): void;
  on?: boolean;
  onSwitch?(on: boolean): void;
  children: ReactNode;
}

/** A part of a panel that folds; it may be switched on and off as a whole. */
export function Section(props: SectionProps) {
  const { title, help, summary, open, onOpenChange, on, onSwitch, children } = props;
  return (
    <Collapsible.Root open={open} onOpenChange={onOpenChange} className={styles.section}>
      <div className={styles.head}>
        <Collapsible.Trigger className={styles.trigger}>
          <ChevronRight aria-hidden />
          <span>{title}</span>
          {summary && !open && <span className={styles.summary}>{summary}</span>}
        </Collapsible.Trigger>
        {help && <Help topic={title} text={help} />}
        {onSwitch && <Toggle label={title} on={on ?? false} onChange={onSwitch} />}
      </div>
      <Collapsible.Content className={styles.body}>{children}</Collapsible.Content>
    </Collapsible.Root>
  );
}
