import { useQuery } from '@tanstack/react-query';
import { ArchiveRestore, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { Dialog } from '@/components/Dialog';
import { Empty } from '@/components/Empty';
import { attempt } from '@/state/actions';
import { gallery_changed, useApp } from '@/state/queries';
import { client } from '@/wire/client';
import styles from './Boards.module.css';

/** Deleted pictures, which can come back until the bin is emptied. */
export function Bin({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  const { data } = useQuery({ queryKey: ['gallery', 'bin'], queryFn: client.bin });
  const admin = useApp().data?.user.role === 'admin';
  const entries = data?.entries ?? [];
  const restore = (id: string) =>
    void attempt(async () => {
      await client.restore(id);
      gallery_changed();
    });
  const empty = () =>
    void attempt(async () => {
      await client.empty_bin();
      gallery_changed();
    });
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('bin.title')}
      description={t('bin.text')}
      footer={
        admin && (
          <Button look="danger" icon={<Trash2 />} disabled={entries.length === 0} onClick={empty}>
            {t('bin.empty_it')}
          </Button>
        )
      }
    >
      {data && entries.length === 0 && <Empty icon={<Trash2 />} title={t('bin.empty')} />}
      <ul className={styles.bin}>
        {entries.map((entry) => (
          <li key={entry.id}>
            <span>{entry.name}</span>
            <Button small icon={<ArchiveRestore />} onClick={() => restore(entry.id)}>
              {t('bin.restore')}
            </Button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
