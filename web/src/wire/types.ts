/** Short names for the payloads of the API (schema.d.ts is generated from the server's document). */

import type { components } from './schema';

type Schemas = components['schemas'];

export type Value = string | number | boolean | string[] | number[] | null;
/** Settings by wire name. */
export type Values = Record<string, Value>;
/** The document leaves `values` open, as GET /settings/schema describes them. */
type WithValues<T> = Omit<T, 'values'> & { values: Values };

export type JobState = Schemas['JobState'];
export type Result = Schemas['Result'];
export type Job = WithValues<Schemas['Job']>;
export type JobRequest = Omit<Schemas['NewJob'], 'values'> & { values?: Values };

export type PictureKind = Schemas['PictureKind'];
export type Picture = Schemas['Picture'];
export type Recall = WithValues<Schemas['Recall']>;
export type PictureDetails = Omit<Schemas['PictureDetails'], 'recall'> & { recall: Recall | null };
export type PicturePage = Schemas['Pictures'];
export type Board = Schemas['Board'];
export type BinEntry = Schemas['BinEntry'];

export type Model = Schemas['Model'];
export type Engine = Schemas['Engine'];
export type AppInfo = Schemas['App'];
export type Setting = Schemas['Setting'];
export type User = Schemas['User'];
export type Role = Schemas['Role'];
export type Preset = WithValues<Schemas['Preset']>;

export type PromptPart = Schemas['ReadingPart'];
export type Reading = Schemas['Reading'];
export type QueueState = Schemas['Queue'];
export type Progress = Schemas['ProgressEvent'];
export type Preview = Schemas['PreviewEvent'];

/** The events of `GET /events`: name and data. */
export type Events = Omit<Schemas['Events'], 'job'> & { job: Job };
