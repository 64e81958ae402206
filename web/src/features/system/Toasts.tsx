import { X } from 'lucide-react';
import { Toast } from 'radix-ui';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '@/components/Button';
import { useNotices } from '@/state/notices';
import styles from './System.module.css';

// Milliseconds; errors stay longer, as there is more to read.
const shown = { info: 4000, success: 4000, warning: 6000, error: 12_000 };

/** Short messages in the corner; screen readers say them. */
export function Toasts() {
  const { t } = useTranslation();
  const { toasts, close } = useNotices();
  return (
    <Toast.Provider label={t('toast.label')} swipeDirection="right">
      {toasts.map((toast) => (
        <Toast.Root
          key={toast.id}
          className={styles.toast}
          data-level={toast.level}
          duration={shown[toast.level]}
          type={toast.level === 'error' ? 'foreground' : 'background'}
          onOpenChange={(open) => !open && close(toast.id)}
        >
          <Toast.Description className={styles.toast_text}>{toast.text}</Toast.Description>
          {toast.action && (
            <Toast.Action asChild altText={toast.action.label}>
              <Button small onClick={toast.action.run}>
                {toast.action.label}
              </Button>
            </Toast.Action>
          )}
          <Toast.Close asChild>
            <IconButton small label={t('common.close')} icon={<X />} />
          </Toast.Close>
        </Toast.Root>
      ))}
      <Toast.Viewport className={styles.toasts} />
    </Toast.Provider>
  );
}
