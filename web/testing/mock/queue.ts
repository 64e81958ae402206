/** Jobs of the development server: one at a time, each step a moment long. */

import type { Events, Job, JobRequest, Progress } from '../../src/wire/types';
import { paint } from './png';
import type { Pictures } from './pictures';

type Send = <Name extends keyof Events>(name: Name, data: Events[Name]) => void;

export class Queue {
  jobs = new Map<string, Job>();
  waiting: string[] = [];
  running: string | null = null;
  paused = false;
  private revision = 0;
  private previews = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private pictures: Pictures,
    private send: Send,
    private step_milliseconds: number,
  ) {}

  state(): Events['queue'] {
    return { paused: this.paused, waiting: this.waiting.length, running: this.running };
  }

  submit(request: JobRequest): Job {
    const job: Job = {
      id: `j${this.jobs.size + 1}-${Date.now().toString(36)}`,
      state: 'queued',
      prompt: request.prompt,
      negative_prompt: request.negative_prompt ?? '',
      values: request.values ?? {},
      priority: request.priority ?? 0,
      pictures: Math.max(1, Number(request.values?.iterations ?? 1)),
      done: 0,
      cancel_requested: false,
      error: null,
      submitted: Date.now(),
      started: null,
      finished: null,
      results: [],
      position: null,
      revision: 0,
    };
    this.jobs.set(job.id, job);
    this.previews.set(job.id, request.preview_every ?? 0);
    this.waiting.push(job.id);
    this.changed(job);
    this.reorder();
    this.next();
    return job;
  }

  retry(job: Job): Job {
    const { prompt, negative_prompt, values, priority } = job;
    const preview_every = this.previews.get(job.id) ?? 0;
    return this.submit({ prompt, negative_prompt, values, priority, preview_every });
  }

  cancel(job: Job): void {
    if (job.state === 'queued') {
      this.waiting = this.waiting.filter((id) => id !== job.id);
      this.end(job, 'cancelled');
      this.reorder();
    } else if (job.state === 'running') {
      job.cancel_requested = true;
      this.changed(job);
    }
  }

  move(job: Job, place: 'before' | 'after', other: string): void {
    this.waiting = this.waiting.filter((id) => id !== job.id);
    this.waiting.splice(this.waiting.indexOf(other) + (place === 'after' ? 1 : 0), 0, job.id);
    this.reorder();
  }

  pause(paused: boolean): void {
    this.paused = paused;
    this.send('queue', this.state());
    this.next();
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private changed(job: Job): void {
    job.revision = ++this.revision;
    this.send('job', { ...job });
  }

  private reorder(): void {
    this.waiting.forEach((id, position) => {
      const job = this.jobs.get(id);
      if (!job || job.position === position) return;
      job.position = position;
      this.changed(job);
    });
    this.send('queue', this.state());
  }

  private end(job: Job, state: 'completed' | 'failed' | 'cancelled'): void {
    job.state = state;
    job.finished = Date.now();
    job.position = null;
    this.changed(job);
  }

  private next(): void {
    if (this.running || this.paused) return;
    const job = this.jobs.get(this.waiting.shift() ?? '');
    if (!job) return;
    this.running = job.id;
    job.state = 'running';
    job.started = Date.now();
    job.position = null;
    this.changed(job);
    this.reorder();
    this.draw(job, 1);
  }

  private draw(job: Job, step: number): void {
    const steps = Number(job.values.steps ?? 50);
    const finish = (state: 'completed' | 'failed' | 'cancelled') => {
      this.running = null;
      this.end(job, state);
      this.send('queue', this.state());
      this.next();
    };
    this.timer = setTimeout(() => {
      if (job.cancel_requested) return finish('cancelled');
      if (job.prompt.includes('fail please')) {
        const message = 'out of memory: 2048x2048 needs 9 GB, 4 GB are free; draw smaller pictures';
        job.error = { code: 'out_of_memory', message };
        return finish('failed');
      }
      const picture = job.done;
      const seed = Number(job.values.seed ?? Math.floor(Math.random() * 4294967295)) + picture;
      const width = Number(job.values.width ?? 512);
      const height = Number(job.values.height ?? 512);
      const left = ((steps - step) * this.step_milliseconds) / 1000;
      const progress: Progress = {
        job: job.id,
        picture,
        pictures: job.pictures,
        step,
        steps,
        seconds_left: step < 3 ? null : left,
      };
      this.send('progress', progress);
      const every = this.previews.get(job.id) ?? 0;
      if (every > 0 && step % every === 0) {
        const image = paint(seed, width >> 3, height >> 3, 1 - step / steps).toString('base64');
        this.send('preview', {
          job: job.id,
          picture,
          step,
          steps,
          width,
          height,
          image: `data:image/png;base64,${image}`,
        });
      }
      if (step < steps) return this.draw(job, step + 1);
      this.store(job, seed, width, height);
      if (job.done < job.pictures) return this.draw(job, 1);
      finish('completed');
    }, this.step_milliseconds);
  }

  private store(job: Job, seed: number, width: number, height: number): void {
    const values = { ...job.values, seed, iterations: 1 };
    const recall = { prompt: job.prompt, negative_prompt: job.negative_prompt, values };
    const made = this.pictures.add('result', seed, width, height, recall, null);
    const result = {
      index: job.done,
      name: made.name,
      url: made.url,
      thumbnail_url: made.thumbnail_url,
      seed,
      seconds: 1,
      width,
      height,
      command: `"${job.prompt}" -S ${seed}`,
    };
    job.results.push(result);
    job.done++;
    this.send('picture', { job: job.id, result });
    this.send('gallery', { revision: this.pictures.revision });
    this.changed(job);
  }
}
