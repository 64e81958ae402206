/** The gallery of the development server, in memory. */

import type { Board, Picture, PictureKind, Recall } from '../../src/wire/types';
import { paint, png_size } from './png';

export interface Stored {
  picture: Picture;
  recall: Recall | null;
  data: Buffer | null; // null: painted from the seed when asked for
}

const subjects = ['a lighthouse at dusk', 'a quiet valley', 'hills before the storm', 'a red star'];

export class Pictures {
  stored = new Map<string, Stored>();
  bin = new Map<string, Stored>();
  boards = new Map<string, Board>();
  revision = 1;
  private next = 1;

  /** `count` pictures as if made before, the newest just now. */
  fill(count: number, now: number): void {
    for (let i = count; i > 0; i--) {
      this.add(
        'result',
        i,
        512,
        i % 7 === 0 ? 768 : 512,
        {
          prompt: `${subjects[i % subjects.length] ?? ''}, study ${i}`,
          negative_prompt: i % 3 === 0 ? 'blurry' : '',
          values: { steps: 20 + (i % 30), cfg_scale: 7.5, sampler_name: 'k_lms', seed: i },
        },
        null,
        now - i * 60_000,
      );
    }
  }

  add(
    kind: PictureKind,
    seed: number,
    width: number,
    height: number,
    recall: Recall | null,
    data: Buffer | null,
    created = Date.now(),
    stem = '',
  ): Picture {
    const number = String(this.next++).padStart(6, '0');
    const hash = ((seed * 40503) >>> 0).toString(16).padStart(8, '0').slice(0, 8);
    const name =
      kind === 'result' ? `${number}.${hash}.${seed}.png` : `init-images/${stem}.${hash}.png`;
    const url = `/api/v1/images/${encodeURIComponent(name)}`;
    const picture: Picture = {
      name,
      url: `${url}/file`,
      thumbnail_url: `${url}/thumbnail`,
      kind,
      created,
      width,
      height,
      model: 'demo',
      sampler: String(recall?.values.sampler_name ?? ''),
      prompt: recall?.prompt ?? '',
      seed: recall ? seed : null,
      steps: Number(recall?.values.steps ?? 0) || null,
      starred: false,
      board: null,
    };
    this.stored.set(name, { picture, recall, data });
    this.revision++;
    return picture;
  }

  upload(file: Buffer, filename: string, kind: 'upload' | 'mask'): Picture {
    const [width, height] = png_size(file);
    const stem = filename.replace(/\.[a-z]+$/i, '').replace(/[^\w-]+/g, '_') || 'picture';
    return this.add(kind, this.next * 7919, width, height, null, file, Date.now(), stem);
  }

  list(query: URLSearchParams): Picture[] {
    const words = (query.get('search') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = (picture: Picture) =>
      (!query.has('kind') || picture.kind === query.get('kind')) &&
      (!query.has('starred') || String(picture.starred) === query.get('starred')) &&
      (!query.has('board') || picture.board === query.get('board')) &&
      (!query.has('model') || picture.model === query.get('model')) &&
      (!query.has('sampler') || picture.sampler === query.get('sampler')) &&
      words.every((word) => `${picture.prompt} ${picture.name}`.toLowerCase().includes(word));
    const all = [...this.stored.values()].map((entry) => entry.picture).filter(wanted);
    return all.reverse();
  }

  bytes(name: string, thumbnail: boolean): Buffer | null {
    const entry = this.stored.get(name);
    if (!entry) return null;
    if (entry.data) return entry.data;
    const { width, height } = entry.picture;
    const scale = thumbnail ? 128 / Math.max(width, height) : 1;
    return paint(entry.picture.seed ?? 1, Math.round(width * scale), Math.round(height * scale));
  }

  board_list(): Board[] {
    return [...this.boards.values()].map((board) => ({
      ...board,
      pictures: [...this.stored.values()].filter((e) => e.picture.board === board.id).length,
    }));
  }
}
