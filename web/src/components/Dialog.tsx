import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { class_names } from '@/lib/class_names';
import { IconButton } from './Button';
import styles from './Dialog.module.css';

interface DialogProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: string;
  description?: string;
  wide?: boolean;
  footer?: ReactNode;
  children?: ReactNode;
}

/** To the field that is asked for, else to the dialog as a whole: buttons would show their hints. */
function focus_first(event: Event): void {
  event.preventDefault();
  const dialog = event.currentTarget;
  if (!(dialog instanceof HTMLElement)) return;
  (dialog.querySelector<HTMLElement>('[data-focus]') ?? dialog).focus();
}

/** A question or a form above the page. */
export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  wide,
  footer,
  children,
}: DialogProps) {
  const { t } = useTranslation();
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={styles.veil} />
        <Radix.Content
          className={class_names(styles.dialog, wide && styles.wide)}
          tabIndex={-1}
          onInteractOutside={(event) => {
            // Closing a toast is not leaving the dialog.
            const target = event.target instanceof Element ? event.target : null;
            if (target?.closest('[data-toasts]')) event.preventDefault();
          }}
          onOpenAutoFocus={focus_first}
          {...(description ? {} : { 'aria-describedby': undefined })}
        >
          <header className={styles.head}>
            <Radix.Title className={styles.title}>{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton label={t('common.close')} icon={<X />} />
            </Radix.Close>
          </header>
          {description && (
            <Radix.Description className={styles.description}>{description}</Radix.Description>
          )}
          {children && <div className={styles.body}>{children}</div>}
          {footer && <footer className={styles.footer}>{footer}</footer>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
