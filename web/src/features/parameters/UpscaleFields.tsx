import { useTranslation } from 'react-i18next';
import { Field } from '@/components/Field';
import { NumberField } from '@/components/NumberField';
import { Segments } from '@/components/Toggle';
import { useParameters } from '@/state/parameters';

/** Scale and strength of upscaling, one setting of two numbers. */
export function UpscaleFields() {
  const { t } = useTranslation();
  const { values, set } = useParameters();
  const given = Array.isArray(values.upscale) ? values.upscale.map(Number) : [];
  const [scale = 0, strength = 0.75] = given;
  const put = (next: number, how: number) => set('upscale', next === 0 ? null : [next, how]);
  return (
    <>
      <Field label={t('upscale.scale')}>
        <Segments
          label={t('upscale.scale')}
          value={String(scale)}
          choices={[
            { value: '0', label: t('common.off') },
            { value: '2', label: '2×' },
            { value: '4', label: '4×' },
          ]}
          onChange={(next) => put(Number(next), strength)}
        />
      </Field>
      <Field label={t('upscale.strength')}>
        <NumberField
          label={t('upscale.strength')}
          value={strength}
          bounds={{ low: 0, high: 1 }}
          step={0.05}
          slider={[0, 1]}
          disabled={scale === 0}
          onChange={(how) => put(scale, how)}
        />
      </Field>
    </>
  );
}
