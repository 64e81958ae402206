import { Dices } from 'lucide-react';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { Field } from '@/components/Field';
import { NumberField } from '@/components/NumberField';
import { Toggle } from '@/components/Toggle';
import { max_seed, random_seed as new_seed, seed_weights_valid } from '@/lib/seeds';
import { useParameters } from '@/state/parameters';
import { useSchema } from '@/state/queries';
import styles from './Parameters.module.css';
import { SettingControl, useSettingTexts } from './SettingControl';

/** A seed, or a new one for each picture. */
export function SeedFields() {
  const { t } = useTranslation();
  const { random_seed, values, change, set } = useParameters();
  const { label, help } = useSettingTexts('seed', useSchema().data?.seed);
  const [id, random_id] = [useId(), useId()];
  return (
    <>
      <Field label={t('seed.randomize')} htmlFor={random_id} row>
        <Toggle
          id={random_id}
          label={t('seed.randomize')}
          on={random_seed}
          onChange={(on) => change({ random_seed: on })}
        />
      </Field>
      <Field label={label} htmlFor={id} help={help} line>
        <div className={styles.seed}>
          <NumberField
            id={id}
            label={label}
            value={Number(values.seed ?? 0)}
            bounds={{ low: 0, high: max_seed, whole: true }}
            step={1}
            disabled={random_seed}
            onChange={(seed) => set('seed', seed)}
          />
          <IconButton
            look="plain"
            label={t('seed.shuffle')}
            icon={<Dices />}
            disabled={random_seed}
            onClick={() => set('seed', new_seed())}
          />
        </div>
      </Field>
    </>
  );
}

/** How far pictures go from the seed, and towards which others. */
export function VariationFields() {
  const { t } = useTranslation();
  const { variations, values, change, set_all } = useParameters();
  const { label, help } = useSettingTexts('with_variations', useSchema().data?.with_variations);
  const id = useId();
  const weights = String(values.with_variations ?? '');
  const valid = seed_weights_valid(weights);
  const put = (text: string) => {
    change({ variations: true });
    set_all({ with_variations: text || null, variation_amount: 0 });
  };
  return (
    <>
      <SettingControl name="variation_amount" disabled={!variations} />
      <Field label={label} htmlFor={id} help={help}>
        <input
          id={id}
          className={styles.text}
          placeholder="1234:0.3, 77:0.5"
          autoComplete="off"
          value={weights}
          aria-invalid={!valid}
          onChange={(event) => put(event.target.value)}
        />
        {!valid && <p className={styles.warning}>{t('invoke.bad_weights')}</p>}
      </Field>
    </>
  );
}
