import { useQueries } from '@tanstack/react-query';
import { Download, Grid3x3, ImageUp, Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { Dialog } from '@/components/Dialog';
import { sheet_picture } from '@/lib/sheet_picture';
import { attempt } from '@/state/actions';
import { notify } from '@/state/notices';
import { gallery_changed, useJobs } from '@/state/queries';
import { show_picture, useSelection } from '@/state/selection';
import { put_on_sheet, useSheets, type Axis, type Sheet } from '@/state/sheets';
import { client, picture_address } from '@/wire/client';
import styles from './Sheets.module.css';

/** The X/Y grids of this browser. */
export function SheetList() {
  const { t } = useTranslation();
  const sheets = useSheets((state) => state.sheets);
  const [open, setOpen] = useState<string | null>(null);
  const sheet = sheets.find((entry) => entry.id === open);
  if (sheets.length === 0) return null;
  return (
    <section className={styles.sheets}>
      <h2>{t('sheet.list')}</h2>
      <ul>
        {sheets.map((entry) => (
          <Entry key={entry.id} sheet={entry} onOpen={() => setOpen(entry.id)} />
        ))}
      </ul>
      {sheet && <SheetView sheet={sheet} onClose={() => setOpen(null)} />}
    </section>
  );
}

function Entry({ sheet, onOpen }: { sheet: Sheet; onOpen(): void }) {
  const { t } = useTranslation();
  useMissed(sheet);
  const done = sheet.pictures.filter(Boolean).length;
  return (
    <li>
      <button type="button" onClick={onOpen}>
        <Grid3x3 />
        <span>{sheet.prompt}</span>
        <small>{t('sheet.progress', { done, all: sheet.jobs.length })}</small>
      </button>
    </li>
  );
}

/** Pictures that came before the sheet was there, or this page was closed are looked up at the server. */
function useMissed(sheet: Sheet): Record<string, string> {
  const known = useJobs().data ?? {};
  const missing = sheet.jobs.filter((id, place) => !sheet.pictures[place] && !known[id]);
  const asked = useQueries({
    queries: missing.map((id) => ({
      queryKey: ['sheet job', id],
      queryFn: () => client.job(id),
      retry: false,
    })),
  });
  const jobs = [...asked.map((query) => query.data), ...sheet.jobs.map((id) => known[id])];
  const found = jobs.flatMap((job) => (job?.results[0] ? [[job.id, job.results[0].name]] : []));
  const text = JSON.stringify(found);
  useEffect(() => {
    for (const [job, name] of JSON.parse(text) as [string, string][]) put_on_sheet(job, name);
  }, [text]);
  return Object.fromEntries(jobs.flatMap((job) => (job ? [[job.id, job.state] as const] : [])));
}

async function drawn(sheet: Sheet, labels: (axis: Axis | null) => string[]): Promise<Blob> {
  const cells = await Promise.all(
    sheet.pictures.map(async (name) => {
      if (!name) return null;
      const response = await fetch(picture_address(name, 'file'));
      return response.ok ? createImageBitmap(await response.blob()) : null;
    }),
  );
  return sheet_picture({ columns: labels(sheet.x), rows: labels(sheet.y), cells });
}

function SheetView({ sheet, onClose }: { sheet: Sheet; onClose(): void }) {
  const { t } = useTranslation();
  const states = useMissed(sheet);
  const labels = (axis: Axis | null): string[] =>
    axis
      ? axis.values.map((value) => {
          const name = t(`setting.${axis.name}.label`, { defaultValue: axis.name });
          return axis.name === 'prompt' ? String(value) : `${name} ${String(value)}`;
        })
      : [''];
  const [columns, rows] = [labels(sheet.x), labels(sheet.y)];
  const ready = sheet.pictures.some(Boolean);

  const download = () =>
    void attempt(async () => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(await drawn(sheet, labels));
      link.download = 'sheet.png';
      link.click();
      URL.revokeObjectURL(link.href);
    });
  const store = () =>
    void attempt(async () => {
      await client.upload(await drawn(sheet, labels), 'sheet.png', 'upload');
      gallery_changed();
      notify('success', t('toast.sheet_stored'));
    });
  const show = (name: string) => {
    show_picture(name);
    useSelection.setState({ lightbox: true });
  };

  return (
    <Dialog
      open
      wide
      onOpenChange={onClose}
      title={t('sheet.title')}
      description={sheet.prompt}
      footer={
        <>
          <Button
            look="danger"
            icon={<Trash2 />}
            onClick={() => {
              onClose();
              useSheets.getState().remove(sheet.id);
            }}
          >
            {t('sheet.remove')}
          </Button>
          <Button icon={<ImageUp />} disabled={!ready} onClick={store}>
            {t('sheet.to_gallery')}
          </Button>
          <Button look="primary" icon={<Download />} disabled={!ready} onClick={download}>
            {t('sheet.download')}
          </Button>
        </>
      }
    >
      <div className={styles.table_frame}>
        <table className={styles.table}>
          <thead>
            <tr>
              {sheet.y && <td />}
              {columns.map((label) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((label, row) => (
              <tr key={label}>
                {sheet.y && <th scope="row">{label}</th>}
                {columns.map((column, place) => {
                  const index = row * columns.length + place;
                  const name = sheet.pictures[index];
                  const state = states[sheet.jobs[index] ?? ''];
                  return (
                    <td key={column}>
                      {name ? (
                        <button
                          type="button"
                          aria-label={`${column} ${label}`}
                          onClick={() => show(name)}
                        >
                          <img src={picture_address(name, 'thumbnail')} alt="" />
                        </button>
                      ) : (
                        <span>{state === 'failed' ? t('sheet.failed') : t('sheet.waiting')}</span>
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Dialog>
  );
}
