import { Grid3x3 } from 'lucide-react';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { Dialog } from '@/components/Dialog';
import { Field } from '@/components/Field';
import { Select } from '@/components/Select';
import { read_axis, type AxisKind } from '@/lib/axis';
import { composed_request, submit } from '@/state/actions';
import { notify } from '@/state/notices';
import { useParameters } from '@/state/parameters';
import { useSchema } from '@/state/queries';
import { obstacle, type Mode } from '@/state/requests';
import { useSheets, type Axis } from '@/state/sheets';
import type { Setting } from '@/wire/types';
import { sheet_requests } from './requests';
import styles from './Sheets.module.css';

const most_pictures = 400;
const nothing = '-';
/** Settings that are no axis: they name pictures, or say how many are drawn. */
const left_out = new Set([
  'iterations',
  'batch_size',
  'dynamic_prompts',
  'negative_prompt',
  'invert_mask',
]);
const axis_types = ['integer', 'real', 'flag', 'text'];

const examples: Record<string, string> = {
  steps: '10, 20, 30',
  cfg_scale: '2, 5, 7.5',
  sampler_name: 'k_lms, k_euler_a, ddim',
  seed: '1-4',
  strength: '0.3, 0.5, 0.75',
};

interface Draft {
  name: string;
  text: string;
}

function kind_of(name: string, setting: Setting | undefined): AxisKind {
  if (name === 'prompt' || !setting) return { type: 'text', low: null, high: null, choices: [] };
  const { type, low, high, choices } = setting;
  return { type: type as AxisKind['type'], low, high, choices };
}

/** Opens the dialog of X/Y grids. */
export function SheetButton({ mode }: { mode: Mode }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button small look="ghost" icon={<Grid3x3 />} onClick={() => setOpen(true)}>
        {t('sheet.open')}
      </Button>
      {open && <SheetDialog mode={mode} onClose={() => setOpen(false)} />}
    </>
  );
}

function SheetDialog({ mode, onClose }: { mode: Mode; onClose(): void }) {
  const { t } = useTranslation();
  const schema = useSchema().data ?? {};
  const parameters = useParameters();
  const [x, setX] = useState<Draft>({ name: 'steps', text: examples.steps ?? '' });
  const [y, setY] = useState<Draft>({ name: nothing, text: '' });

  const read = (draft: Draft): Axis | null => {
    const values = read_axis(draft.text, kind_of(draft.name, schema[draft.name]));
    return values && { name: draft.name, values };
  };
  const [across, down] = [read(x), y.name === nothing ? null : read(y)];
  const count =
    (across?.values.length ?? 0) * (y.name === nothing ? 1 : (down?.values.length ?? 0));
  const label = (name: string) => t(`setting.${name}.label`, { defaultValue: name });
  const reason = obstacle(parameters, mode);
  let problem: string | null = reason && t(reason);
  if (!across) problem = t('sheet.bad_values', { name: label(x.name) });
  else if (y.name !== nothing && !down) problem = t('sheet.bad_values', { name: label(y.name) });
  else if (x.name === y.name) problem = t('sheet.same_twice');
  else if (count > most_pictures) problem = t('sheet.too_many', { count, most: most_pictures });

  const go = async () => {
    if (!across) return;
    onClose();
    const base = await composed_request(mode);
    if (!base) return;
    const jobs: string[] = [];
    for (const request of sheet_requests(base, across, down)) {
      const job = await submit(request);
      if (!job) return; // told already; what was queued stays in the queue
      jobs.push(job.id);
    }
    useSheets.getState().add({
      id: crypto.randomUUID?.() ?? String(Date.now()),
      created: Date.now(),
      prompt: base.prompt,
      x: across,
      y: down,
      jobs,
      pictures: jobs.map(() => null),
    });
    notify('success', t('toast.queued', { count: jobs.length }));
  };

  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('sheet.title')}
      description={t('sheet.text')}
      footer={
        <>
          {problem && <p className={styles.problem}>{problem}</p>}
          <Button look="primary" disabled={problem !== null} onClick={() => void go()}>
            {t('sheet.go', { count })}
          </Button>
        </>
      }
    >
      <AxisFields title={t('sheet.x')} draft={x} mode={mode} onChange={setX} />
      <AxisFields title={t('sheet.y')} draft={y} mode={mode} optional onChange={setY} />
    </Dialog>
  );
}

interface AxisProps {
  title: string;
  draft: Draft;
  mode: Mode;
  optional?: boolean;
  onChange(draft: Draft): void;
}

function AxisFields({ title, draft, mode, optional, onChange }: AxisProps) {
  const { t } = useTranslation();
  const id = useId();
  const schema = useSchema().data ?? {};
  const names = Object.values(schema)
    .filter(
      ({ name, type, group }) =>
        axis_types.includes(type) &&
        !left_out.has(name) &&
        (['rendering', 'variations'].includes(group) || (mode === 'image' && group === 'img2img')),
    )
    .map(({ name }) => name);
  const choices = [
    ...(optional ? [{ value: nothing, label: t('sheet.none') }] : []),
    { value: 'prompt', label: t('sheet.prompt_part') },
    ...names.map((name) => ({
      value: name,
      label: t(`setting.${name}.label`, { defaultValue: name.replaceAll('_', ' ') }),
    })),
  ];
  const options = schema[draft.name]?.choices ?? [];
  return (
    <div className={styles.axis}>
      <Field label={title}>
        <Select
          label={title}
          value={draft.name}
          choices={choices}
          onChange={(name) => onChange({ name, text: examples[name] ?? '' })}
        />
      </Field>
      {draft.name !== nothing && (
        <Field label={t('sheet.values')} htmlFor={id} help={t('sheet.values_help')}>
          <input
            id={id}
            className={styles.text}
            autoComplete="off"
            value={draft.text}
            onChange={(event) => onChange({ ...draft, text: event.target.value })}
          />
          {options.length > 0 && <p className={styles.options}>{options.join(', ')}</p>}
        </Field>
      )}
    </div>
  );
}
