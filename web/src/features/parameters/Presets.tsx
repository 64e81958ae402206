import { BookmarkPlus, RotateCcw, Trash2 } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '@/components/Button';
import { Dialog } from '@/components/Dialog';
import { Select } from '@/components/Select';
import { attempt, reset_settings } from '@/state/actions';
import { notify } from '@/state/notices';
import { useParameters, with_recall } from '@/state/parameters';
import { cache, usePresets } from '@/state/queries';
import { client } from '@/wire/client';
import styles from './Parameters.module.css';

const reload = () => cache.invalidateQueries({ queryKey: ['presets'] });

/** Prompts and settings saved by name. */
export function Presets({ more }: { more?: ReactNode }) {
  const { t } = useTranslation();
  const presets = usePresets().data ?? [];
  const [saving, setSaving] = useState(false);
  const [last, setLast] = useState('');
  const change = useParameters((state) => state.change);
  const changed = useParameters(
    ({ values, variations, random_seed }) =>
      Object.keys(values).length > 0 || variations || !random_seed,
  );

  const use = (name: string) => {
    const preset = presets.find((entry) => entry.name === name);
    if (!preset) return;
    setLast(name);
    change(with_recall(preset));
    notify('success', t('preset.used', { name }));
  };
  const remove = () =>
    void attempt(async () => {
      await client.remove_preset(last);
      setLast('');
      await reload();
    });

  return (
    <div className={styles.line}>
      <Select
        label={t('preset.label')}
        placeholder={last || (presets.length > 0 ? t('preset.choose') : t('preset.none'))}
        // Nothing stays chosen, so that the same preset can be used again.
        value=""
        disabled={presets.length === 0}
        choices={presets.map(({ name, prompt }) => ({ value: name, label: name, note: prompt }))}
        onChange={use}
      />
      {last !== '' && (
        <IconButton label={t('preset.remove', { name: last })} icon={<Trash2 />} onClick={remove} />
      )}
      <IconButton
        label={t('preset.save')}
        icon={<BookmarkPlus />}
        onClick={() => setSaving(true)}
      />
      <IconButton
        label={t('fallback.reset_all')}
        icon={<RotateCcw />}
        disabled={!changed}
        onClick={reset_settings}
      />
      {more}
      {saving && <SaveDialog onClose={() => setSaving(false)} onSaved={setLast} />}
    </div>
  );
}

function SaveDialog({ onClose, onSaved }: { onClose(): void; onSaved(name: string): void }) {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const presets = usePresets().data ?? [];
  const replaces = presets.some((entry) => entry.name === name.trim());
  const save = () =>
    void attempt(async () => {
      const { prompt, negative_prompt, values, random_seed } = useParameters.getState();
      const kept = { ...values };
      delete kept.init_mask;
      if (random_seed) delete kept.seed;
      await client.store_preset({ name: name.trim(), prompt, negative_prompt, values: kept });
      await reload();
      onSaved(name.trim());
      onClose();
    });
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('preset.save')}
      description={t('preset.save_text')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="primary" disabled={name.trim() === ''} onClick={save}>
            {replaces ? t('preset.replace') : t('common.save')}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== '') save();
        }}
      >
        <input
          data-focus
          className={styles.text}
          aria-label={t('preset.name')}
          placeholder={t('preset.name')}
          value={name}
          maxLength={100}
          onChange={(event) => setName(event.target.value)}
        />
      </form>
    </Dialog>
  );
}
