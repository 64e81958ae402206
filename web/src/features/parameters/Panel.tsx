import { useLayoutEffect, useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Section } from '@/components/Section';
import { invoke } from '@/state/actions';
import { useParameters } from '@/state/parameters';
import { usePreferences } from '@/state/preferences';
import { useApp, useSchema } from '@/state/queries';
import type { Mode } from '@/state/requests';
import { Expansion } from './Expansion';
import { InvokeBar } from './InvokeBar';
import styles from './Parameters.module.css';
import { placed } from './presentation';
import { Presets } from './Presets';
import { PromptBox } from './PromptBox';
import { SeedFields, VariationFields } from './SeedFields';
import { SettingControl } from './SettingControl';
import { SizeFields } from './SizeFields';
import { UpscaleFields } from './UpscaleFields';

const first_amount = 0.1; // of variation, when it is switched on

/** How far it was scrolled when it was last seen. */
let last_scroll = 0;

interface PanelProps {
  mode: Mode;
  /** More buttons in the first line. */
  head?: ReactNode;
  /** More buttons below the prompts. */
  tools?: ReactNode;
}

/** Everything that describes the next picture. */
export function Panel({ mode, head, tools }: PanelProps) {
  const scroll = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (scroll.current) scroll.current.scrollTop = last_scroll;
  }, []);
  return (
    <div className={styles.panel}>
      <div
        ref={scroll}
        className={styles.scroll}
        onScroll={(event) => {
          last_scroll = event.currentTarget.scrollTop;
        }}
      >
        <div className={styles.group}>
          <Presets more={head} />
          <PromptBox onInvoke={() => void invoke(mode)} />
          <div className={styles.tools}>
            <Expansion mode={mode} />
            {tools}
          </div>
        </div>
        <div className={styles.group}>
          {mode === 'image' && (
            <>
              <SettingControl name="strength" />
              <SettingControl name="fit" />
            </>
          )}
          <SizeFields />
          <SettingControl name="steps" />
          <SettingControl name="cfg_scale" />
          <SettingControl name="sampler_name" />
        </div>
        <Sections mode={mode} />
      </div>
      <InvokeBar mode={mode} />
    </div>
  );
}

function useFold(name: string) {
  const { open_sections, toggle_section } = usePreferences();
  return { open: open_sections.includes(name), onOpenChange: () => toggle_section(name) };
}

function Sections({ mode }: { mode: Mode }) {
  const { t } = useTranslation();
  const { values, set, variations, change, random_seed } = useParameters();
  const features = useApp().data?.features ?? {};
  const schema = useSchema().data ?? {};
  const others = Object.values(schema).filter(
    (setting) =>
      !placed.has(setting.name) &&
      (setting.group === 'rendering' ||
        setting.name === 'save_intermediates' ||
        (mode === 'image' && setting.group === 'img2img')) &&
      ['flag', 'integer', 'real', 'text'].includes(setting.type),
  );
  const symmetric = Boolean(values.h_symmetry_time_pct || values.v_symmetry_time_pct);
  const folds = {
    mask: useFold('mask'),
    seed: useFold('seed'),
    variations: useFold('variations'),
    symmetry: useFold('symmetry'),
    other: useFold('other'),
    faces: useFold('faces'),
    upscaling: useFold('upscaling'),
    advanced: useFold('advanced'),
  };

  return (
    <>
      {mode === 'image' && (
        <Section title={t('section.mask')} help={t('section.mask_help')} {...folds.mask}>
          <SettingControl name="mask_blur" />
          <SettingControl name="inpaint_replace" />
          <SettingControl name="invert_mask" />
          <SettingControl name="match_colors" />
        </Section>
      )}
      <Section
        title={t('section.seed')}
        help={t('section.seed_help')}
        summary={random_seed ? t('seed.random') : String(values.seed ?? 0)}
        {...folds.seed}
      >
        <SeedFields />
        <SettingControl name="threshold" />
        <SettingControl name="perlin" />
      </Section>
      <Section
        title={t('section.variations')}
        help={t('section.variations_help')}
        on={variations}
        onSwitch={(on) => {
          change({ variations: on });
          // With neither an amount nor weights nothing would vary.
          if (on && !values.variation_amount && !values.with_variations) {
            set('variation_amount', first_amount);
          }
        }}
        {...folds.variations}
      >
        <VariationFields />
      </Section>
      <Section
        title={t('section.symmetry')}
        help={t('section.symmetry_help')}
        on={symmetric}
        onSwitch={(on) => {
          set('h_symmetry_time_pct', on ? 0.5 : null);
          set('v_symmetry_time_pct', null);
        }}
        {...folds.symmetry}
      >
        <SettingControl name="h_symmetry_time_pct" />
        <SettingControl name="v_symmetry_time_pct" />
      </Section>
      {features.face_restoration && schema.facetool_strength && (
        <Section title={t('section.faces')} {...folds.faces}>
          <SettingControl name="facetool" />
          <SettingControl name="facetool_strength" />
          <SettingControl name="codeformer_fidelity" />
        </Section>
      )}
      {features.upscaling && schema.upscale && (
        <Section title={t('section.upscaling')} {...folds.upscaling}>
          <UpscaleFields />
        </Section>
      )}
      <Section title={t('section.other')} help={t('section.other_help')} {...folds.other}>
        <SettingControl name="seamless" />
        {values.seamless === true && <SettingControl name="seamless_axes" />}
        {mode === 'text' && <SettingControl name="hires_fix" />}
        {mode === 'text' && values.hires_fix === true && <SettingControl name="strength" />}
      </Section>
      {others.length > 0 && (
        <Section title={t('section.advanced')} {...folds.advanced}>
          {others.map((setting) => (
            <SettingControl key={setting.name} name={setting.name} />
          ))}
        </Section>
      )}
    </>
  );
}
