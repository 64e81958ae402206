import { useTranslation } from 'react-i18next';
import { Select } from '@/components/Select';
import { attempt } from '@/state/actions';
import { cache, useApp, useModels } from '@/state/queries';
import { client } from '@/wire/client';
import type { AppInfo } from '@/wire/types';
import styles from './System.module.css';

/** The active model; while it draws, the change waits for its turn at the server. */
export function ModelChoice() {
  const { t } = useTranslation();
  const models = useModels().data ?? [];
  const active = useApp().data?.model?.name ?? '';
  const activate = (name: string) =>
    void attempt(async () => {
      const model = await client.activate(name);
      cache.setQueryData<AppInfo>(['app'], (old) => old && { ...old, model });
      await cache.invalidateQueries({ queryKey: ['models'] });
    });
  return (
    <div className={styles.model}>
      <Select
        label={t('model.label')}
        placeholder={t('model.none')}
        value={active}
        disabled={models.length === 0}
        choices={models.map(({ name, description }) => ({
          value: name,
          label: name,
          note: description,
        }))}
        onChange={activate}
      />
    </div>
  );
}
