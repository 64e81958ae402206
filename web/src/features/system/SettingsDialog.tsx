import { FolderInput, RotateCcw } from 'lucide-react';
import { useId, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { Dialog } from '@/components/Dialog';
import { Field } from '@/components/Field';
import { NumberField } from '@/components/NumberField';
import { Select } from '@/components/Select';
import { Segments, Toggle } from '@/components/Toggle';
import { languages, type Language } from '@/lib/i18n';
import { attempt } from '@/state/actions';
import { notify } from '@/state/notices';
import { useParameters } from '@/state/parameters';
import {
  first_preferences,
  usePreferences,
  type Preferences,
  type Theme,
} from '@/state/preferences';
import { gallery_changed, useApp } from '@/state/queries';
import { client } from '@/wire/client';
import styles from './System.module.css';

type Flag =
  'confirm_delete' | 'show_help' | 'sliders' | 'follow_results' | 'show_console' | 'show_sent';
type PreviewKind = 'none' | 'fast' | 'accurate';

/** What each kind begins with; a decoder at every step would take longer than the steps. */
const preview_kinds: Record<PreviewKind, Pick<Preferences, 'preview_every' | 'full_previews'>> = {
  none: { preview_every: 0, full_previews: false },
  fast: { preview_every: 1, full_previews: false },
  accurate: { preview_every: 5, full_previews: true },
};

export function SettingsDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  return (
    <Dialog open onOpenChange={onClose} title={t('settings.title')} footer={<Reset />}>
      <Part title={t('settings.appearance')}>
        <Appearance />
      </Part>
      <Part title={t('settings.drawing')}>
        <Previews />
        <FlagField name="follow_results" />
        <FlagField name="confirm_delete" />
        <FlagField name="show_help" />
        <FlagField name="sliders" />
        <FlagField name="show_console" />
      </Part>
      <Part title={t('settings.server')}>
        <Server />
      </Part>
      <Part title={t('settings.developer')}>
        <FlagField name="show_sent" />
      </Part>
    </Dialog>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.part}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function FlagField({ name }: { name: Flag }) {
  const { t } = useTranslation();
  const id = useId();
  const on = usePreferences((state) => state[name]);
  const change = usePreferences((state) => state.change);
  const label = t(`settings.${name}`);
  return (
    <Field label={label} htmlFor={id} row>
      <Toggle
        id={id}
        label={label}
        on={on}
        onChange={(next) => change({ [name]: next } as Partial<Preferences>)}
      />
    </Field>
  );
}

function Appearance() {
  const { t } = useTranslation();
  const { theme, language, change } = usePreferences();
  return (
    <>
      <Field label={t('settings.theme')} row>
        <Segments<Theme>
          label={t('settings.theme')}
          value={theme}
          choices={[
            { value: 'dark', label: t('settings.dark') },
            { value: 'light', label: t('settings.light') },
            { value: 'contrast', label: t('settings.contrast') },
          ]}
          onChange={(next) => change({ theme: next })}
        />
      </Field>
      <Field label={t('settings.language')}>
        <Select
          label={t('settings.language')}
          value={language}
          choices={Object.entries(languages).map(([value, label]) => ({ value, label }))}
          onChange={(next) => change({ language: next as Language })}
        />
      </Field>
    </>
  );
}

function Previews() {
  const { t } = useTranslation();
  const { preview_every, full_previews, change } = usePreferences();
  const kind: PreviewKind = preview_every === 0 ? 'none' : full_previews ? 'accurate' : 'fast';
  return (
    <>
      <Field label={t('settings.previews')} help={t('settings.previews_help')} row>
        <Segments<PreviewKind>
          label={t('settings.previews')}
          value={kind}
          choices={[
            { value: 'none', label: t('settings.previews_none') },
            { value: 'fast', label: t('settings.previews_fast') },
            { value: 'accurate', label: t('settings.previews_accurate') },
          ]}
          onChange={(next) => change(preview_kinds[next])}
        />
      </Field>
      {preview_every > 0 && (
        <Field label={t('settings.preview_every')}>
          <NumberField
            label={t('settings.preview_every')}
            value={preview_every}
            bounds={{ low: 1, high: 999, whole: true }}
            step={1}
            slider={[1, 20]}
            onChange={(steps) => change({ preview_every: steps })}
          />
        </Field>
      )}
    </>
  );
}

function Server() {
  const { t } = useTranslation();
  const app = useApp().data;
  const [folder, setFolder] = useState('');
  const [busy, setBusy] = useState(false);
  if (!app) return null;
  const import_folder = async () => {
    setBusy(true);
    const found = await attempt(() => client.import_folder(folder.trim()));
    setBusy(false);
    if (!found) return;
    gallery_changed();
    notify('success', t('settings.imported', { added: found.added, skipped: found.skipped }));
    for (const problem of found.problems) notify('warning', problem);
  };
  return (
    <>
      <dl className={styles.about}>
        <dt>{app.name}</dt>
        <dd>{app.version}</dd>
        <dt>{t('settings.device')}</dt>
        <dd>{`${app.engine.device} · ${app.engine.precision}`}</dd>
        <dt>{t('settings.folder')}</dt>
        <dd>{app.output_folder}</dd>
      </dl>
      {app.user.role === 'admin' && (
        <Field label={t('settings.import')} help={t('settings.import_help')}>
          <form
            className={styles.inline}
            onSubmit={(event) => {
              event.preventDefault();
              if (folder.trim() !== '' && !busy) void import_folder();
            }}
          >
            <input
              className={styles.text}
              aria-label={t('settings.import')}
              placeholder="/home/me/invokeai/outputs"
              value={folder}
              onChange={(event) => setFolder(event.target.value)}
            />
            <Button type="submit" icon={<FolderInput />} disabled={folder.trim() === '' || busy}>
              {t('settings.import_go')}
            </Button>
          </form>
        </Field>
      )}
    </>
  );
}

/** Back to a fresh page; pictures and presets are the server's and stay. */
function Reset() {
  const { t } = useTranslation();
  const reset = () => {
    useParameters.getState().reset();
    usePreferences.setState({ ...first_preferences(), guide_done: true });
    notify('success', t('settings.reset_done'));
  };
  return (
    <Button look="danger" icon={<RotateCcw />} hint={t('settings.reset_help')} onClick={reset}>
      {t('settings.reset')}
    </Button>
  );
}
