import { useQuery } from '@tanstack/react-query';
import { Shuffle } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { Dialog } from '@/components/Dialog';
import { composed_request, submit } from '@/state/actions';
import { useFallback } from '@/state/fallbacks';
import { notify } from '@/state/notices';
import { useParameters } from '@/state/parameters';
import type { Mode } from '@/state/requests';
import { client } from '@/wire/client';
import styles from './Expansion.module.css';
import { useObstacle } from './running';

const most_shown = 200;

/** A prompt with choices: {a|b} or __name__. */
export function is_dynamic(prompt: string): boolean {
  return /\{[^{}]*\|[^{}]*\}|\{\d+\$\$|__[\w/*-]+__/.test(prompt);
}

/** What a dynamic prompt expands to, and a job for each of them. */
export function Expansion({ mode }: { mode: Mode }) {
  const { t } = useTranslation();
  const prompt = useParameters((state) => state.prompt);
  const usual = useFallback('dynamic_prompts').value;
  const on = useParameters((state) => state.values.dynamic_prompts ?? usual) !== false;
  const [open, setOpen] = useState(false);
  if (!on || !is_dynamic(prompt)) return null;
  return (
    <>
      <Button small look="ghost" icon={<Shuffle />} onClick={() => setOpen(true)}>
        {t('expand.show')}
      </Button>
      {open && <Preview prompt={prompt} mode={mode} onClose={() => setOpen(false)} />}
    </>
  );
}

function Preview({ prompt, mode, onClose }: { prompt: string; mode: Mode; onClose(): void }) {
  const { t } = useTranslation();
  const { data, error } = useQuery({
    queryKey: ['expansion', prompt],
    queryFn: () => client.expand(prompt, most_shown),
    gcTime: 0,
    retry: false,
  });
  const obstacle = useObstacle(mode);
  const prompts = data?.prompts ?? [];

  const queue_all = async () => {
    onClose();
    const request = await composed_request(mode);
    if (!request) return;
    const values = { ...request.values, dynamic_prompts: false };
    for (const text of prompts) {
      if (!(await submit({ ...request, prompt: text, values }))) return;
    }
    notify('success', t('toast.queued', { count: prompts.length }));
  };

  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('expand.title')}
      description={data ? t('expand.total', { count: data.total }) : undefined}
      footer={
        <Button
          look="primary"
          disabled={prompts.length === 0 || obstacle !== null}
          hint={obstacle ?? undefined}
          onClick={() => void queue_all()}
        >
          {t('expand.queue', { count: prompts.length })}
        </Button>
      }
    >
      {error && <p role="alert">{error.message}</p>}
      <ol className={styles.list}>
        {prompts.map((text, index) => (
          <li key={`${index}${text}`}>{text}</li>
        ))}
      </ol>
    </Dialog>
  );
}
