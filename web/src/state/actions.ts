/** What buttons, menus and hotkeys of several features do. Failures become toasts. */

import i18next from 'i18next';
import { has_mask, mask_picture } from '@/lib/strokes';
import { client, picture_address } from '@/wire/client';
import type {
  Job,
  JobRequest,
  Picture,
  PictureDetails,
  Recall,
  Setting,
  Value,
} from '@/wire/types';
import { known_index, show_at } from './gallery_list';
import { notify, notify_error } from './notices';
import {
  recalled_prompts,
  useParameters,
  with_recall,
  with_value,
  type Source,
} from './parameters';
import { usePreferences } from './preferences';
import { cache, check_session, gallery_changed, put_job } from './queries';
import { job_request, obstacle, type Mode } from './requests';
import { useSelection, whole_filter } from './selection';

const t = (key: string, values?: Record<string, unknown>) => i18next.t(key, values ?? {});

/** Runs a request; a failure is told, the result is then undefined. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    check_session(error);
    notify_error(error);
    return undefined;
  }
}

export async function submit(request: JobRequest): Promise<Job | undefined> {
  const job = await attempt(() => client.submit(request));
  if (!job) return undefined;
  put_job(job);
  useSelection.setState({ watching: true });
  return job;
}

let stored_mask: { strokes: unknown; name: string } | null = null;

/** The name of the painted mask at the server; uploaded once for the same strokes. */
async function mask_name(source: Source): Promise<string | null> {
  const { strokes } = useParameters.getState();
  if (!has_mask(strokes)) return null;
  if (stored_mask?.strokes === strokes) return stored_mask.name;
  const blob = await mask_picture(strokes, source.width, source.height);
  const { name } = await client.upload(blob, 'mask.png', 'mask');
  stored_mask = { strokes, name };
  return name;
}

/** The request of a mode with the mask uploaded; undefined, told, if that fails. */
export async function composed_request(mode: Mode): Promise<JobRequest | undefined> {
  const parameters = useParameters.getState();
  const schema = await cache.fetchQuery<Record<string, Setting>>({ queryKey: ['schema'] });
  const { preview_every, full_previews } = usePreferences.getState();
  const request = job_request(parameters, mode, schema, {
    preview_every,
    ...(full_previews && { full_previews }),
  });
  const { source } = parameters;
  if (mode === 'text' || !source || !has_mask(parameters.strokes)) return request;
  const name = await attempt(() => mask_name(source));
  if (!name) return undefined;
  return { ...request, values: { ...request.values, init_mask: name } };
}

export async function invoke(mode: Mode): Promise<void> {
  const reason = obstacle(useParameters.getState(), mode);
  if (reason) return notify('warning', t(reason));
  const request = await composed_request(mode);
  if (!request || !(await submit(request))) return;
  if (usePreferences.getState().show_sent) useSelection.setState({ sent: request });
}

export async function set_starred(names: readonly string[], starred: boolean): Promise<void> {
  await attempt(() => Promise.all(names.map((name) => client.mark(name, { starred }))));
  gallery_changed();
}

export async function put_on_board(names: readonly string[], board: string | null): Promise<void> {
  await attempt(() => Promise.all(names.map((name) => client.mark(name, { board }))));
  gallery_changed();
}

/** Into the bin, with a toast that takes it back. */
export async function remove_pictures(names: readonly string[]): Promise<void> {
  const { current, index, category, filter } = useSelection.getState();
  const place = current && (known_index(whole_filter(category, filter), current) ?? index);
  const entries = await attempt(() => Promise.all(names.map((name) => client.remove(name))));
  gallery_changed();
  if (!entries) return;
  const undo = async () => {
    await attempt(() => Promise.all(entries.map((entry) => client.restore(entry.id))));
    gallery_changed();
  };
  // The neighbour moves up to the place of the deleted picture.
  if (current && names.includes(current)) void attempt(() => show_at(place || 0));
  notify('success', t('toast.deleted', { count: names.length }), {
    label: t('common.undo'),
    run: () => void undo(),
  });
}

export async function upload_pictures(files: readonly File[]): Promise<Picture[]> {
  const pictures = files.filter((file) => /^image\/(png|jpeg|webp)$/.test(file.type));
  if (pictures.length < files.length) notify('error', t('toast.bad_upload'));
  const stored: Picture[] = [];
  for (const file of pictures) {
    const picture = await attempt(() => client.upload(file, file.name, 'upload'));
    if (picture) stored.push(picture);
  }
  if (stored.length > 0) {
    gallery_changed();
    notify('success', t('toast.uploaded', { count: stored.length }));
  }
  return stored;
}

/** Makes a picture the one to start from, and goes to image to image. */
export function use_as_source(picture: Source): void {
  const { name, width, height } = picture;
  useParameters.getState().change({ source: { name, width, height }, strokes: [] });
  useParameters.getState().set('init_mask', null);
  usePreferences.getState().change({ tab: 'image' });
  notify('success', t('toast.sent_to_image'));
}

/** Takes over prompts and settings, with the starting picture and the tab they belong to. */
export function take_recall(recall: Recall): void {
  useParameters.getState().change(with_recall(recall));
  const source = recall.values.init_img;
  if (typeof source === 'string' && source !== '') void recall_source(source);
  else usePreferences.getState().change({ tab: 'text' });
  notify('success', t('toast.parameters_set'));
}

export function use_all(picture: PictureDetails): void {
  if (picture.recall) take_recall(picture.recall);
  else notify('error', t('toast.no_parameters'));
}

/** The picture that this one was made from, with how far it went from it. */
export function use_its_source(picture: PictureDetails): void {
  const { init_img, strength, fit } = picture.recall?.values ?? {};
  if (typeof init_img !== 'string' || init_img === '') return notify('error', t('toast.no_source'));
  useParameters.getState().set_all({ strength: strength ?? null, fit: fit ?? null });
  void recall_source(init_img);
}

/** All settings to what the model and the server hold, with a toast that takes it back. */
export function reset_settings(): void {
  const { values, random_seed, variations, change } = useParameters.getState();
  useParameters.getState().reset_settings();
  notify('success', t('fallback.reset_all_done'), {
    label: t('common.undo'),
    run: () => change({ values, random_seed, variations }),
  });
}

async function recall_source(name: string): Promise<void> {
  const picture = await attempt(() => client.picture(name));
  if (!picture) return;
  const { width, height } = picture;
  useParameters.getState().change({ source: { name, width, height }, strokes: [] });
  usePreferences.getState().change({ tab: 'image' });
}

export function use_value(name: string, value: Value): void {
  const { change, ...old } = useParameters.getState();
  if (name === 'init_img') void recall_source(String(value));
  else change(with_value(old, name, value));
  notify('success', t('toast.parameter_set', { name: t(`setting.${name}.label`) }));
}

export function use_prompt(picture: PictureDetails): void {
  if (!picture.recall) return notify('error', t('toast.no_parameters'));
  useParameters.getState().change(recalled_prompts(picture.recall));
  notify('success', t('toast.prompt_set'));
}

export function use_seed(picture: PictureDetails): void {
  if (picture.seed === null) return notify('error', t('toast.no_seed'));
  use_value('seed', picture.seed);
}

export function download(name: string): void {
  const link = document.createElement('a');
  link.href = picture_address(name, 'file');
  link.download = name.slice(name.lastIndexOf('/') + 1);
  link.click();
}

/** The picture itself; browsers allow it on https and on this machine only. */
export async function copy_picture(name: string): Promise<void> {
  if (!window.isSecureContext || !('ClipboardItem' in window)) {
    return notify('error', t('toast.no_clipboard'));
  }
  await attempt(async () => {
    const blob = await (await fetch(picture_address(name, 'file'))).blob();
    await navigator.clipboard.write([new ClipboardItem({ [blob.type]: blob })]);
    notify('success', t('toast.copied'));
  });
}

export async function copy_text(text: string): Promise<void> {
  if (!navigator.clipboard) return notify('error', t('toast.no_clipboard'));
  await attempt(() => navigator.clipboard.writeText(text));
  notify('success', t('toast.copied'));
}
