import { CircleHelp, RotateCcw } from 'lucide-react';
import { Popover } from 'radix-ui';
import { createContext, useContext, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { class_names } from '@/lib/class_names';
import styles from './Field.module.css';
import { Hint } from './Hint';

/** Whether help icons are shown; set by the page from the user's preference. */
export const HelpShown = createContext(true);

interface FieldProps {
  label: string;
  /** The control's id. */
  htmlFor?: string;
  help?: string;
  /** Ends the help: what holds where nothing is given. */
  origin?: string;
  /** Takes back what was given; `text` says to what. */
  reset?: { text: string; run(): void };
  /** Label and control in one line: `row` for switches, `line` for what needs room. */
  row?: boolean;
  line?: boolean;
  children: ReactNode;
}

/** A labelled control with its help. */
export function Field(props: FieldProps) {
  const { label, htmlFor, help, origin, reset, row, line, children } = props;
  return (
    <div className={class_names(styles.field, row && styles.row, line && styles.line)}>
      <div className={styles.head}>
        <label htmlFor={htmlFor}>{label}</label>
        {help && <Help topic={label} text={help} more={origin} />}
        {reset && (
          <Hint text={reset.text}>
            <button
              type="button"
              className={styles.help}
              aria-label={`${label}: ${reset.text}`}
              onClick={() => reset.run()}
            >
              <RotateCcw />
            </button>
          </Hint>
        )}
      </div>
      {children}
    </div>
  );
}

/** A question mark that explains; a button, so that it works with keyboard and touch. */
export function Help({ topic, text, more }: { topic: string; text: string; more?: string }) {
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
          {more && <p className={styles.more}>{more}</p>}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
