import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { Field } from '@/components/Field';
import { NumberField } from '@/components/NumberField';
import { Select } from '@/components/Select';
import { Toggle } from '@/components/Toggle';
import { useParameters } from '@/state/parameters';
import { usePreferences } from '@/state/preferences';
import { useApp, useSchema } from '@/state/queries';
import type { Setting, Value } from '@/wire/types';
import styles from './Parameters.module.css';
import { presented } from './presentation';

/** What holds when nothing is given: the server's default, or the model's own size. */
function useFallback(setting: Setting | undefined): Value {
  const model = useApp().data?.model;
  if (setting?.name === 'width') return model?.native_width || 512;
  if (setting?.name === 'height') return model?.native_height || 512;
  if (setting?.name === 'fit') return true; // fitting is what the page always asked for
  return (setting?.default ?? null) as Value;
}

/** Label and help of a setting; the help is the server's unless it was translated. */
export function useSettingTexts(name: string, setting: Setting | undefined) {
  const { t, i18n } = useTranslation();
  const help = `setting.${name}.help`;
  const translated = i18n.exists(help, { fallbackLng: 'none' }) ? t(help) : '';
  return {
    label: t(`setting.${name}.label`, { defaultValue: name.replaceAll('_', ' ') }),
    help: translated || setting?.help || '',
  };
}

/** The control of one setting, made from the server's table. Nothing where it has no such setting. */
export function SettingControl({ name, disabled }: { name: string; disabled?: boolean }) {
  const id = useId();
  const { t } = useTranslation();
  const setting = useSchema().data?.[name];
  const sliders = usePreferences((state) => state.sliders);
  const given = useParameters((state) => state.values[name]);
  const set = useParameters((state) => state.set);
  const fallback = useFallback(setting);
  const { label, help } = useSettingTexts(name, setting);
  if (!setting) return null;
  const value = given ?? fallback;
  const change = (next: Value) => set(name, next === setting.default ? null : next);

  if (setting.type === 'flag') {
    return (
      <Field label={label} htmlFor={id} help={help} row>
        <Toggle id={id} label={label} on={value === true} disabled={disabled} onChange={change} />
      </Field>
    );
  }
  if (setting.type === 'integer' || setting.type === 'real') {
    const whole = setting.type === 'integer';
    const { low, high, low_open, multiple } = setting;
    const { step, slider } = presented(name, low, high, whole);
    return (
      <Field label={label} htmlFor={id} help={help} line>
        <NumberField
          id={id}
          label={label}
          value={Number(value ?? low ?? 0)}
          bounds={{ low, high, low_open, multiple, whole }}
          step={step}
          slider={sliders ? slider : undefined}
          disabled={disabled}
          onChange={change}
        />
      </Field>
    );
  }
  if (setting.choices.length > 0) {
    const choices = setting.choices.map((choice) => ({
      value: choice,
      label: t(`choice.${name}.${choice}`, { defaultValue: choice }),
    }));
    return (
      <Field label={label} htmlFor={id} help={help} line>
        <Select
          id={id}
          label={label}
          value={String(value ?? '')}
          choices={choices}
          disabled={disabled}
          onChange={change}
        />
      </Field>
    );
  }
  return (
    <Field label={label} htmlFor={id} help={help}>
      <input
        id={id}
        className={styles.text}
        value={String(value ?? '')}
        disabled={disabled}
        autoComplete="off"
        onChange={(event) => set(name, event.target.value || null)}
      />
    </Field>
  );
}
