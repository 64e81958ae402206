import { Sparkles } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { invoke } from '@/state/actions';
import { useParameters } from '@/state/parameters';
import { usePreferences } from '@/state/preferences';
import { useApp } from '@/state/queries';
import type { Model } from '@/wire/types';
import styles from './Stage.module.css';

/** The small demo model knows plain shapes only (models/demo/README.md). */
const small_model = 256; // pixels, at most
const first_prompts = {
  small: { prompt: 'a big red star on a blue background', values: { steps: 20 } },
  large: { prompt: 'a lighthouse at dusk, oil painting', values: { steps: 25 } },
};

/** A model that is not loaded yet tells no size; plain shapes suit every model. */
export function first_prompt_for(model: Model | null | undefined): keyof typeof first_prompts {
  const large = model && model.kind !== '' && model.native_width > small_model;
  return large ? 'large' : 'small';
}

/** For the very first visit: a picture with one click. */
export function Guide() {
  const { t } = useTranslation();
  const model = useApp().data?.model;
  const change = usePreferences((state) => state.change);
  const first = first_prompts[first_prompt_for(model)];
  const start = () => {
    const parameters = useParameters.getState();
    parameters.change({ prompt: first.prompt, values: { ...parameters.values, ...first.values } });
    change({ guide_done: true });
    void invoke('text');
  };
  return (
    <div className={styles.guide}>
      <h2>{t('guide.title')}</h2>
      <ol>
        <li>{t('guide.describe')}</li>
        <li>{t('guide.invoke')}</li>
        <li>{t('guide.gallery')}</li>
      </ol>
      <p>{t('guide.example', { prompt: first.prompt })}</p>
      <footer>
        <Button look="primary" icon={<Sparkles />} onClick={start}>
          {t('guide.start')}
        </Button>
        <Button look="ghost" onClick={() => change({ guide_done: true })}>
          {t('guide.skip')}
        </Button>
      </footer>
    </div>
  );
}
