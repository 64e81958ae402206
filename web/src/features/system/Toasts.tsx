import { X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '@/components/Button';
import { useNotices, type Notice } from '@/state/notices';
import styles from './System.module.css';

// Milliseconds; errors stay longer, as there is more to read.
const shown = { info: 4000, success: 4000, warning: 6000, error: 12_000 };

/**
 * Short messages in the corner; screen readers say them. Our own and not Radix': its toasts take the
 * Escape key from an open dialog.
 */
export function Toasts() {
  const { t } = useTranslation();
  const toasts = useNotices((state) => state.toasts);
  return (
    <section className={styles.toasts} aria-label={t('toast.label')} aria-live="polite" data-toasts>
      {toasts.map((toast) => (
        <Toast key={toast.id} toast={toast} />
      ))}
    </section>
  );
}

/** Goes by itself, but not while it is looked at. */
function Toast({ toast }: { toast: Notice }) {
  const { t } = useTranslation();
  const close = useNotices((state) => state.close);
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => close(toast.id), shown[toast.level]);
    return () => clearTimeout(timer);
  }, [held, toast, close]);
  return (
    <div
      className={styles.toast}
      data-level={toast.level}
      role={toast.level === 'error' ? 'alert' : undefined}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <p className={styles.toast_text}>{toast.text}</p>
      {toast.action && (
        <Button
          small
          onClick={() => {
            toast.action?.run();
            close(toast.id);
          }}
        >
          {toast.action.label}
        </Button>
      )}
      <IconButton small label={t('common.close')} icon={<X />} onClick={() => close(toast.id)} />
    </div>
  );
}
