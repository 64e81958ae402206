/** From the server's events to what the page shows. */

import i18next from 'i18next';
import { listen, type Handlers } from '@/wire/events';
import { cache, drop_job, everything_changed, gallery_changed, put_job } from '@/state/queries';
import { forget_live, useLive } from '@/state/live';
import { log, notify } from '@/state/notices';
import { usePreferences } from '@/state/preferences';
import { picture_came } from '@/state/loop';
import { put_on_sheet } from '@/state/sheets';
import { follow_picture, useSelection } from '@/state/selection';
import type { AppInfo, Engine, Job, Model, Preview, Progress } from '@/wire/types';

/** Many gallery events at once (an import) make one new request. */
const gather = 150; // milliseconds

let gallery_timer: ReturnType<typeof setTimeout> | undefined;

/** Steps may come faster than anybody sees: only the latest of each moment is shown. */
const moment = 40; // milliseconds
const waiting = { progress: {} as Record<string, Progress>, preview: null as Preview | null };
let live_timer: ReturnType<typeof setTimeout> | undefined;

function show_soon(): void {
  live_timer ??= setTimeout(() => {
    live_timer = undefined;
    const { progress, preview } = waiting;
    waiting.progress = {};
    waiting.preview = null;
    useLive.setState((old) => ({
      progress: { ...old.progress, ...progress },
      preview: preview ?? old.preview,
    }));
  }, moment);
}

function put_model(model: Model | null, engine: Engine): void {
  cache.setQueryData<AppInfo>(['app'], (old) => old && { ...old, model, engine });
}

function job_changed(job: Job): void {
  put_job(job);
  if (job.state === 'queued' || job.state === 'running') return;
  delete waiting.progress[job.id];
  if (waiting.preview?.job === job.id) waiting.preview = null;
  forget_live(job.id);
  if (job.state === 'failed' && job.error && seen_failures.add_new(job.id)) {
    notify('error', job.error.message);
  }
}

/** A failure is told once, although its job may be sent again after an interruption. */
const seen_failures = {
  ids: new Set<string>(),
  add_new(id: string): boolean {
    if (this.ids.has(id)) return false;
    this.ids.add(id);
    return true;
  },
};

const handlers: Handlers = {
  hello: ({ queue, engine, model }) => {
    const { connection } = useLive.getState();
    if (connection === 'lost') {
      everything_changed();
      log('info', i18next.t('connection.back'));
    }
    useLive.setState({ connection: 'open' });
    cache.setQueryData(['queue'], queue);
    put_model(model, engine);
  },
  job: job_changed,
  job_removed: ({ id }) => drop_job(id),
  progress: (progress) => {
    waiting.progress[progress.job] = progress;
    show_soon();
  },
  preview: (preview) => {
    waiting.preview = preview;
    show_soon();
  },
  picture: ({ job, result }) => {
    // The preview gives way to the picture itself; the next picture brings its own.
    if (waiting.preview?.job === job) waiting.preview = null;
    useLive.setState((old) => (old.preview?.job === job ? { preview: null } : {}));
    put_on_sheet(job, result.name);
    picture_came(job, result);
    const { watching, current } = useSelection.getState();
    if (usePreferences.getState().follow_results && (watching || current === null)) {
      follow_picture(result.name);
      if (useSelection.getState().category === 'upload') {
        useSelection.setState({ category: 'result' });
      }
    }
    log(
      'success',
      i18next.t('console.stored', { name: result.name, seconds: result.seconds.toFixed(1) }),
    );
  },
  message: ({ text }) => notify('warning', text),
  queue: (queue) => cache.setQueryData(['queue'], queue),
  gallery: () => {
    clearTimeout(gallery_timer);
    gallery_timer = setTimeout(gallery_changed, gather);
  },
  model: ({ model, engine }) => {
    put_model(model, engine);
    void cache.invalidateQueries({ queryKey: ['models'] });
    if (engine.state === 'failed') notify('error', engine.message);
  },
};

/** Opens the stream for as long as the page lives. */
export function start_live(): void {
  const stream = listen(handlers, () => {
    if (useLive.getState().connection === 'open') {
      log('warning', i18next.t('connection.lost'));
      useLive.setState({ connection: 'lost' });
    }
  });
  useLive.setState({ retry: stream.retry });
  window.addEventListener('online', stream.retry);
  window.addEventListener('pagehide', stream.close);
}
