import { useTranslation } from 'react-i18next';
import { Dialog } from '@/components/Dialog';
import { useSelection } from '@/state/selection';
import { picture_address } from '@/wire/client';
import type { JobRequest } from '@/wire/types';
import styles from './System.module.css';

/** The pictures and the request as the server got them: for those who look for a mistake. */
export function SentDialog({ request }: { request: JobRequest }) {
  const { t } = useTranslation();
  const pictures = ['init_img', 'init_mask']
    .map((setting) => ({ setting, name: request.values?.[setting] }))
    .filter((picture): picture is { setting: string; name: string } => Boolean(picture.name));
  return (
    <Dialog
      open
      wide
      onOpenChange={() => useSelection.setState({ sent: null })}
      title={t('sent.title')}
    >
      {pictures.length > 0 && (
        <div className={styles.sent}>
          {pictures.map(({ setting, name }) => (
            <figure key={setting}>
              <img src={picture_address(name, 'file')} alt={t(`setting.${setting}.label`)} />
              <figcaption>{`${setting}: ${name}`}</figcaption>
            </figure>
          ))}
        </div>
      )}
      <textarea
        readOnly
        className={styles.sent_request}
        aria-label={t('sent.request')}
        rows={14}
        value={JSON.stringify(request, null, 2)}
      />
    </Dialog>
  );
}
