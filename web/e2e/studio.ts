/** The studio of a real server in a browser, and what tests do in it again and again. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { launch, open_page, type Opened } from './browser';
import { has_engine, RealServer, type ServerOptions } from './server';

export const wide = { width: 1440, height: 900 };
export const phone = { width: 390, height: 844 };
export const second = 1000; // milliseconds

export class Studio {
  browser!: Browser;
  opened!: Opened;
  readonly server: RealServer;

  constructor(
    readonly program: string,
    options: ServerOptions = {},
  ) {
    this.server = new RealServer(program, options);
  }

  async open(): Promise<void> {
    await this.server.start();
    this.browser = await launch();
    this.opened = await open_page(this.browser, this.server.url, wide);
  }

  async close(): Promise<void> {
    await this.browser?.close();
    await this.server.close();
  }

  get page(): Page {
    return this.opened.page;
  }

  /** Whether pictures come from a model; else they are stripes of the fake engine. */
  get draws(): boolean {
    return has_engine(this.program);
  }

  /** What the page did wrong since it was asked last. */
  own_problems(): string[] {
    // A connection that a test cuts is an error to the browser, not to the page.
    const own = this.opened.problems.filter((text) => !/ERR_|Failed to load resource/.test(text));
    this.opened.problems.length = 0;
    return own;
  }

  api = async <T>(path: string): Promise<T> =>
    (await (await fetch(`${this.server.url}api/v1/${path}`)).json()) as T;
  count = async () => (await this.api<{ count: number }>('images/count?kind=result')).count;
  prompt = () => this.page.getByLabel('Prompt', { exact: true });
  number = (label: string) => this.page.getByRole('textbox', { name: label, exact: true });
  invoke = () => this.page.getByRole('button', { name: 'Invoke', exact: true }).click();
  thumbs = () => this.page.locator('[data-thumb]');
  newest = async () =>
    (await this.thumbs().count()) > 0
      ? await this.thumbs().first().getAttribute('data-thumb')
      : null;
  tab = (name: string) =>
    this.page.getByRole('navigation', { name: 'Work areas' }).getByRole('button', { name }).click();
  mask = () => this.page.getByLabel(/^Mask\. /);
  running = async () => (await this.api<{ running: string | null }>('queue')).running;

  /** Draws and waits until one more picture is stored and shown; its name. */
  draw = async (): Promise<string> => {
    const before = await this.newest();
    await this.invoke();
    await expect.poll(this.newest, { timeout: 40 * second }).not.toBe(before);
    await expect.poll(this.running).toBe(null);
    return (await this.newest()) ?? '';
  };

  bytes = async (name: string) => {
    const address = `${this.server.url}api/v1/images/${encodeURIComponent(name)}/file`;
    return Buffer.from(await (await fetch(address)).arrayBuffer());
  };

  set_number = async (label: string, value: string): Promise<void> => {
    await this.number(label).fill(value);
    await this.number(label).press('Enter');
  };

  choose = async (list: string, name: string | RegExp): Promise<void> => {
    await this.page.getByRole('combobox', { name: list }).click();
    await this.page.getByRole('option', { name, exact: true }).click();
  };

  /** A job long enough to do something meanwhile; the fake engine is quick. */
  get long() {
    return this.draws ? { steps: 150, pictures: 1 } : { steps: 999, pictures: 40 };
  }
  draw_long = async (times = 1): Promise<void> => {
    await this.set_number('Steps', String(this.long.steps));
    await this.set_number('Pictures', String(this.long.pictures * times));
    await this.invoke();
    await this.page.getByRole('progressbar', { name: 'Progress' }).waitFor();
  };
  short_again = async (): Promise<void> => {
    await expect.poll(this.running, { timeout: 50 * second }).toBe(null);
    await this.set_number('Steps', '4');
    await this.set_number('Pictures', '1');
  };
}

/** A studio for all tests of a group; after each the page must have logged no error. */
export function use_studio(program: string, options: ServerOptions = {}): Studio {
  const studio = new Studio(program, options);
  beforeAll(() => studio.open());
  afterAll(() => studio.close());
  afterEach(() => expect(studio.own_problems()).toEqual([]));
  return studio;
}
