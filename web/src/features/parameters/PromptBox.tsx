import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Help } from '@/components/Field';
import { class_names } from '@/lib/class_names';
import { useFallback } from '@/state/fallbacks';
import { useHotkeys } from '@/state/hotkeys';
import { useParameters } from '@/state/parameters';
import { client } from '@/wire/client';
import type { Reading } from '@/wire/types';
import styles from './PromptBox.module.css';

const pause = 350; // milliseconds without typing until the server reads the prompt

function useSettled<T>(value: T, milliseconds: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}

/** How prompts are read: invoke or a1111. */
function useDialect(): string {
  const usual = useFallback('prompt_dialect').value;
  return useParameters((state) => String(state.values.prompt_dialect ?? usual ?? 'invoke'));
}

/** What the server makes of both prompts. */
function useReading(dialect: string) {
  const { prompt, negative_prompt } = useParameters();
  const texts = useSettled(`${prompt}\u0000${negative_prompt}`, pause);
  const [positive = '', negative = ''] = texts.split('\u0000');
  const found = useQuery({
    queryKey: ['reading', positive, negative, dialect],
    queryFn: () => client.parse(positive, negative, dialect),
    enabled: positive.trim() !== '',
    placeholderData: (old) => old,
    gcTime: 60_000,
    retry: false,
  });
  return positive.trim() === '' ? { data: undefined, error: null } : found;
}

/** Both prompts, with tokens counted and weights shown as the server reads them. */
export function PromptBox({ onInvoke }: { onInvoke: () => void }) {
  const { t } = useTranslation();
  const { prompt, negative_prompt, change } = useParameters();
  const box = useRef<HTMLTextAreaElement>(null);
  const dialect = useDialect();
  const { data, error } = useReading(dialect);
  const [id, negative_id] = [useId(), useId()];
  useHotkeys({ focus_prompt: () => box.current?.focus() });

  const enter = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return; // those are hotkeys
    event.preventDefault();
    onInvoke();
  };

  return (
    <div className={styles.prompts}>
      <div className={styles.head}>
        <span>
          <label htmlFor={id}>{t('prompt.label')}</label>
          <Help topic={t('prompt.label')} text={t(`prompt.help_${dialect}`)} />
        </span>
        <Tokens reading={data?.positive} />
      </div>
      <textarea
        id={id}
        ref={box}
        rows={4}
        className={styles.box}
        placeholder={t('prompt.placeholder')}
        value={prompt}
        onChange={(event) => change({ prompt: event.target.value })}
        onKeyDown={enter}
      />
      {error && <p className={styles.problem}>{error.message}</p>}
      {data && !error && <Parts reading={data.positive} />}
      <div className={styles.head}>
        <span>
          <label htmlFor={negative_id}>{t('prompt.negative')}</label>
          <Help topic={t('prompt.negative')} text={t('setting.negative_prompt.help')} />
        </span>
        {negative_prompt.trim() !== '' && <Tokens reading={data?.negative} />}
      </div>
      <textarea
        id={negative_id}
        rows={2}
        className={styles.box}
        placeholder={t('prompt.negative_placeholder')}
        value={negative_prompt}
        onChange={(event) => change({ negative_prompt: event.target.value })}
      />
      {data && negative_prompt.trim() !== '' && <Parts reading={data.negative} />}
    </div>
  );
}

function Tokens({ reading }: { reading: Reading | undefined }) {
  const { t } = useTranslation();
  if (!reading) return null;
  const { tokens, limit } = reading;
  return (
    <span className={class_names(styles.tokens, tokens > limit && styles.over)}>
      {t('prompt.tokens', { tokens, limit })}
    </span>
  );
}

/** The prompt in the parts that have weights of their own, and the reader's remarks. */
function Parts({ reading }: { reading: Reading }) {
  const { t } = useTranslation();
  const weighted = reading.parts.some((part) => part.weight !== 1);
  if (!weighted && reading.notes.length === 0) return null;
  return (
    <div className={styles.reading}>
      {weighted && (
        <ul className={styles.parts} aria-label={t('prompt.read_as')}>
          {reading.parts.map((part, index) => (
            <li
              key={`${index}${part.text}`}
              className={class_names(part.weight > 1 && styles.up, part.weight < 1 && styles.down)}
            >
              {part.text}
              {part.weight !== 1 && <b>{Number(part.weight.toFixed(3))}</b>}
            </li>
          ))}
        </ul>
      )}
      {reading.notes.map((note) => (
        <p key={`${note.column}${note.message}`} className={styles.note}>
          {note.column > 0 && `${t('prompt.column', { column: note.column })} `}
          {note.message}
        </p>
      ))}
    </div>
  );
}
