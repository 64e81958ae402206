import { Sparkles, Square } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import type { Mode } from '@/state/requests';
import { cancel_now, draw, useObstacle, useRunning } from './running';

/** Invoke and cancel as two icons, for while the panel is closed. */
export function EdgeInvoke({ mode }: { mode: Mode }) {
  const { t } = useTranslation();
  const reason = useObstacle(mode);
  const job = useRunning();
  return (
    <>
      <IconButton
        look="primary"
        label={reason ? `${t('invoke.label')}: ${reason}` : t('invoke.label')}
        icon={<Sparkles />}
        disabled={reason !== null}
        onClick={() => draw(mode)}
      />
      {job && (
        <IconButton
          look="plain"
          label={t('invoke.cancel')}
          icon={<Square />}
          onClick={() => cancel_now(job.id)}
        />
      )}
    </>
  );
}
