import { CircleHelp } from 'lucide-react';
import { Popover } from 'radix-ui';
import { createContext, useContext, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { class_names } from '@/lib/class_names';
import styles from './Field.module.css';

/** Whether help icons are shown; set by the page from the user's preference. */
export const HelpShown = createContext(true);

interface FieldProps {
  label: string;
  /** The control's id. */
  htmlFor?: string;
  help?: string;
  /** Beside the label, at the right. */
  aside?: ReactNode;
  /** Label and control in one line: `row` for switches, `line` for what needs room. */
  row?: boolean;
  line?: boolean;
  children: ReactNode;
}

/** A labelled control with its help. */
export function Field({ label, htmlFor, help, aside, row, line, children }: FieldProps) {
  return (
    <div className={class_names(styles.field, row && styles.row, line && styles.line)}>
      <div className={styles.head}>
        <label htmlFor={htmlFor}>{label}</label>
        {help && <Help topic={label} text={help} />}
        {aside && <span className={styles.aside}>{aside}</span>}
      </div>
      {children}
    </div>
  );
}

/** A question mark that explains; a button, so that it works with keyboard and touch. */
export function Help({ topic, text }: { topic: string; text: string }) {
  const { t } = useTranslation();
  if (!useContext(HelpShown)) return null;
  return (
    <Popover.Root>
      <Popover.Trigger className={styles.help} aria-label={t('common.help_about', { topic })}>
        <CircleHelp />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className={styles.explanation} sideOffset={4} collisionPadding={12}>
          <strong>{topic}</strong>
          <p>{text}</p>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
