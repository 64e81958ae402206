import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { Field } from '@/components/Field';
import { NumberField } from '@/components/NumberField';
import { Select } from '@/components/Select';
import { Toggle } from '@/components/Toggle';
import { useFallback } from '@/state/fallbacks';
import { useParameters } from '@/state/parameters';
import { usePreferences } from '@/state/preferences';
import { useSchema } from '@/state/queries';
import type { Setting, Value } from '@/wire/types';
import styles from './Parameters.module.css';
import { presented } from './presentation';

/** A value as it is read: choices and switches by their names. */
function useWritten(name: string): (value: Value) => string {
  const { t } = useTranslation();
  return (value) => {
    if (typeof value === 'boolean') return t(value ? 'common.on' : 'common.off');
    return t(`choice.${name}.${String(value)}`, { defaultValue: String(value) });
  };
}

/**
 * Label and help of a setting, and what holds without a value of the user's. The texts of a setting
 * the page does not know are the server's.
 */
export function useSettingTexts(name: string, setting: Setting | undefined) {
  const { t } = useTranslation();
  const { value, recommended } = useFallback(name);
  const written = useWritten(name);
  const told = value !== null && value !== '' && setting !== undefined;
  const origin = t(recommended ? 'fallback.recommended' : 'fallback.default', {
    value: written(value),
  });
  return {
    label: t(`setting.${name}.label`, { defaultValue: name.replaceAll('_', ' ') }),
    help: t(`setting.${name}.help`, { defaultValue: setting?.help ?? '' }),
    origin: told ? origin : undefined,
  };
}

/** The way back to what holds without a value of the user's; none where there is none given. */
function useReset(name: string) {
  const { t } = useTranslation();
  const { value, recommended } = useFallback(name);
  const written = useWritten(name);
  const given = useParameters((state) => state.values[name]);
  const set = useParameters((state) => state.set);
  if (given === undefined || given === value) return undefined;
  const wanted = value === null || value === '' ? t('fallback.nothing') : written(value);
  return {
    text: t(recommended ? 'fallback.reset_recommended' : 'fallback.reset', { value: wanted }),
    run: () => set(name, null),
  };
}

/** The control of one setting, made from the server's table. Nothing where it has no such setting. */
export function SettingControl({ name, disabled }: { name: string; disabled?: boolean }) {
  const id = useId();
  const setting = useSchema().data?.[name];
  const fallback = useFallback(name).value;
  const given = useParameters((state) => state.values[name]);
  const set = useParameters((state) => state.set);
  const texts = useSettingTexts(name, setting);
  const reset = useReset(name);
  if (!setting) return null;
  const value = given ?? fallback;
  const flag = setting.type === 'flag';
  const long = setting.type === 'text' && setting.choices.length === 0;
  return (
    <Field
      {...texts}
      htmlFor={id}
      reset={flag ? undefined : reset}
      row={flag}
      line={!flag && !long}
    >
      <Control
        id={id}
        setting={setting}
        label={texts.label}
        value={value}
        fallback={fallback}
        disabled={disabled}
        // What holds anyway is not kept, so that it follows the model.
        onChange={(next) => set(name, next === fallback ? null : next)}
      />
    </Field>
  );
}

interface ControlProps {
  id: string;
  setting: Setting;
  label: string;
  value: Value;
  fallback: Value;
  disabled?: boolean;
  onChange(value: Value): void;
}

function Control({ id, setting, label, value, fallback, disabled, onChange }: ControlProps) {
  const { t } = useTranslation();
  const written = useWritten(setting.name);
  const sliders = usePreferences((state) => state.sliders);
  const { name, type, low, high, low_open, multiple } = setting;
  if (type === 'flag') {
    return (
      <Toggle id={id} label={label} on={value === true} disabled={disabled} onChange={onChange} />
    );
  }
  if (type === 'integer' || type === 'real') {
    const whole = type === 'integer';
    const { step, slider } = presented(name, low, high, whole);
    return (
      <NumberField
        id={id}
        label={label}
        value={Number(value ?? low ?? 0)}
        bounds={{ low, high, low_open, multiple, whole }}
        step={step}
        slider={sliders ? slider : undefined}
        disabled={disabled}
        onChange={onChange}
      />
    );
  }
  if (setting.choices.length > 0) {
    return (
      <Select
        id={id}
        label={label}
        value={String(value ?? '')}
        placeholder={t('fallback.nothing')}
        choices={setting.choices.map((choice) => ({ value: choice, label: written(choice) }))}
        disabled={disabled}
        onChange={onChange}
      />
    );
  }
  return (
    <input
      id={id}
      className={styles.text}
      value={value === fallback ? '' : String(value ?? '')}
      placeholder={String(fallback ?? '')}
      disabled={disabled}
      autoComplete="off"
      onChange={(event) => onChange(event.target.value || null)}
    />
  );
}
