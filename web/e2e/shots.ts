/**
 * The pictures of docs/images/web: every tab in both themes, wide and on a phone, from the real server
 * with the demo model. `npx tsx e2e/shots.ts [FOLDER]`, after scripts/build-web and a build of the
 * target `invokeai` with the engine. Look at each before it is committed.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { launch, open_page } from './browser';
import { find_program, has_engine, RealServer } from './server';

const [folder = new URL('../../docs/images/web', import.meta.url).pathname] = process.argv.slice(2);
const sizes = {
  wide: { width: 1440, height: 900 },
  phone: { width: 390, height: 844 },
} as const;
const quality = 0.9; // of the WebP files

const shapes = ['star', 'heart', 'circle', 'square', 'triangle', 'moon', 'flower', 'diamond'];
const colours = ['red', 'yellow', 'blue', 'white', 'purple', 'orange', 'pink'];
const grounds = ['blue', 'black', 'green', 'purple', 'white', 'gray'];
const subjects = Array.from({ length: 24 }, (_, n) => {
  const at = <T>(list: readonly T[], step: number) => list[(n * step) % list.length];
  const size = ['a big', 'a', 'a small'][n % 3];
  const ground = at(grounds, 5);
  const colour = at(colours, 3) === ground ? 'green' : at(colours, 3);
  const thing = `${size} ${colour} ${at(shapes, 1)} on a ${ground} background`;
  return thing.replace(/^a o/, 'an o');
});
const values = { steps: 20 };

const program = find_program();
if (!program || !has_engine(program))
  throw new Error('The target invokeai with its engine is wanted.');
mkdirSync(folder, { recursive: true });

const token = 'for-these-pictures';
const server = new RealServer(program, { root: '/tmp/invokeai' }); // a name that is seen
await server.start();
const browser = await launch();
const encoder = await (await browser.newContext()).newPage();

async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const answer = await fetch(`${server.url}api/v1/${path}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
  return (await answer.json().catch(() => null)) as T;
}

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

async function until_idle(): Promise<void> {
  for (;;) {
    const { waiting, running } = await ask<{ waiting: number; running: string | null }>(
      'GET',
      'queue',
    );
    if (waiting === 0 && running === null) return;
    await pause(300);
  }
}

/** A gallery to look at: pictures, a board, stars. */
async function fill(): Promise<void> {
  for (const [n, prompt] of [...subjects.entries()].reverse()) {
    await ask('POST', 'jobs', { prompt, values: { ...values, seed: 100 + n } });
  }
  await until_idle();
  const { images } = await ask<{ images: { name: string }[] }>('GET', 'images?limit=8');
  const mark = (place: number, change: object) =>
    ask('PATCH', `images/${encodeURIComponent(images[place]?.name ?? '')}`, change);
  for (const place of [1, 4]) await mark(place, { starred: true });
  const boards: [string, number[]][] = [
    ['Cards', [1, 3]],
    ['For the wall', [0, 2, 5]],
  ];
  for (const [name, places] of boards) {
    const { id } = await ask<{ id: string }>('POST', 'boards', { name });
    for (const place of places) await mark(place, { board: id });
  }
}

/** Some jobs that wait, for the picture of the queue. */
async function fill_queue(): Promise<void> {
  await ask('PATCH', 'queue', { paused: true });
  for (const prompt of subjects.slice(0, 3)) await ask('POST', 'jobs', { prompt, values });
}

async function empty_queue(): Promise<void> {
  const { jobs } = await ask<{ jobs: { id: string }[] }>('GET', 'jobs/waiting');
  for (const { id } of jobs) await ask('POST', `jobs/${id}/cancel`);
  await ask('PATCH', 'queue', { paused: false });
}

async function save(page: Page, name: string): Promise<void> {
  await pause(500); // what fades in or is fetched
  const png = (await page.screenshot()).toString('base64');
  const webp = await encoder.evaluate(
    async ([data, wanted]) => {
      const blob = await (await fetch(`data:image/png;base64,${data}`)).blob();
      const picture = await createImageBitmap(blob);
      const canvas = new OffscreenCanvas(picture.width, picture.height);
      canvas.getContext('2d')?.drawImage(picture, 0, 0);
      const file = await canvas.convertToBlob({ type: 'image/webp', quality: wanted });
      return [...new Uint8Array(await file.arrayBuffer())];
    },
    [png, quality] as const,
  );
  writeFileSync(`${folder}/${name}.webp`, Buffer.from(webp));
  console.log(`${name}.webp ${webp.length}`);
}

/** Changes what this browser remembers, then loads the page again. */
async function remember(page: Page, key: string, wanted: object): Promise<void> {
  await page.evaluate(
    ([place, parts]) => {
      const old = JSON.parse(localStorage.getItem(place) ?? '{"state":{},"version":1}') as {
        state: object;
      };
      localStorage.setItem(place, JSON.stringify({ ...old, state: { ...old.state, ...parts } }));
    },
    [`invokeai.${key}`, wanted] as const,
  );
  await page.reload();
  await page.getByRole('navigation', { name: 'Work areas' }).waitFor();
}

const preferences = (page: Page, wanted: object) => remember(page, 'preferences', wanted);
const toolbar = (page: Page) =>
  page.getByRole('toolbar', { name: 'The current picture' }).waitFor();

/** Image to image with the current picture and a painted mask. */
async function paint_mask(page: Page): Promise<void> {
  await toolbar(page);
  await page.keyboard.press('Shift+I');
  const canvas = page.getByLabel(/^Mask\. /);
  await canvas.waitFor();
  const box = await canvas.boundingBox();
  if (!box) return;
  const at = (u: number, v: number) => [box.x + box.width * u, box.y + box.height * v] as const;
  await page.mouse.move(...at(0.3, 0.4));
  await page.mouse.down();
  await page.mouse.move(...at(0.7, 0.35), { steps: 8 });
  await page.mouse.move(...at(0.6, 0.6), { steps: 8 });
  await page.mouse.up();
  await page.getByRole('button', { name: 'Close', exact: true }).last().click(); // the toast
}

/** The tabs in both themes. */
async function tabs(page: Page, size: string): Promise<void> {
  for (const theme of ['dark', 'light']) {
    for (const tab of ['text', 'image', 'gallery', 'queue']) {
      if (tab === 'queue') await fill_queue();
      await preferences(page, { theme, tab, open_sections: ['seed', 'variations'] });
      if (tab === 'image' && theme === 'dark') await paint_mask(page);
      if (tab === 'text') await toolbar(page);
      await save(page, `${tab}-${theme}-${size}`);
      if (tab === 'queue') await empty_queue();
    }
  }
}

async function live(page: Page, size: string): Promise<void> {
  await preferences(page, { theme: 'dark', tab: 'text' });
  await page.getByRole('textbox', { name: 'Steps', exact: true }).fill('400');
  await page.keyboard.press('Tab');
  await page.getByRole('button', { name: 'Invoke', exact: true }).click();
  await page.locator('img[data-live]').waitFor();
  await pause(2500);
  await save(page, `text-live-${size}`);
  await page.getByRole('button', { name: 'Cancel the running job' }).click();
  await until_idle();
  await page.getByRole('button', { name: /^Steps: Back to/ }).click();
}

async function dialogs(page: Page, size: string): Promise<void> {
  await preferences(page, { theme: 'dark', tab: 'text' });
  await toolbar(page);
  await page.keyboard.press('i');
  await save(page, `info-${size}`);
  await page.keyboard.press('i');
  await page.keyboard.press('z');
  await save(page, `viewer-${size}`);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await save(page, `settings-${size}`);
  await page.keyboard.press('Escape');
  if (size === 'phone') return;
  await page.getByRole('button', { name: 'Hotkeys' }).click();
  await save(page, `hotkeys-${size}`);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Help about Guidance' }).click();
  await save(page, `help-${size}`);
  await page.keyboard.press('Escape');
  await preferences(page, { theme: 'contrast' });
  await save(page, `text-contrast-${size}`);
  await preferences(page, { theme: 'dark', pin_parameters: false, pin_gallery: false });
  await save(page, `floating-${size}`);
  await preferences(page, { pin_parameters: true, pin_gallery: true });
}

async function sheet(page: Page): Promise<void> {
  await preferences(page, { tab: 'text', guide_done: true });
  await remember(page, 'parameters', {
    prompt: subjects[0],
    random_seed: false,
    values: { ...values, seed: 100 },
  });
  await page.getByRole('button', { name: 'X/Y grid' }).click();
  await page.getByRole('textbox', { name: 'Values' }).fill('5, 10, 20');
  await page.getByRole('combobox', { name: 'Down' }).click();
  await page.getByRole('option', { name: 'Guidance' }).click();
  await page.getByRole('textbox', { name: 'Values' }).nth(1).fill('1, 2, 4');
  await page.getByRole('button', { name: 'Queue 9 pictures' }).click();
  await until_idle();
  await preferences(page, { tab: 'queue' });
  await page.getByText('9 of 9').click();
  await page.getByRole('dialog').waitFor();
  await save(page, 'sheet-wide');
  await page.keyboard.press('Escape');
}

/** A server that asks who is there. */
async function users(opened: Browser): Promise<void> {
  const guarded = new RealServer(program ?? '', { switches: ['--token', token], fake: true });
  await guarded.start();
  const { page } = await open_page(opened, guarded.url, sizes.wide);
  await page.getByLabel('Name', { exact: true }).waitFor();
  await save(page, 'login-wide');
  await page.getByRole('radio', { name: 'Token' }).click();
  await page.locator('input[type=password]').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('button', { name: /^Account/ }).click();
  await page.getByRole('menuitem', { name: 'Users' }).click();
  for (const name of ['ann', 'bob', 'eve']) {
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByLabel('Password', { exact: true }).fill('not a real password');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('dialog').locator('li', { hasText: name }).waitFor();
  }
  await pause(5000); // the messages go
  await save(page, 'users-wide');
  await page.context().close();
  await guarded.close();
}

try {
  await fill();
  for (const [name, size] of Object.entries(sizes)) {
    const { page, problems } = await open_page(browser, server.url, size, name === 'phone');
    await page.getByRole('navigation', { name: 'Work areas' }).waitFor();
    await remember(page, 'preferences', { guide_done: true });
    await remember(page, 'parameters', {
      prompt: 'a (big)++ red star on a blue background, (blurry)--',
      negative_prompt: '',
      values: {},
    });
    await live(page, name);
    await tabs(page, name);
    await dialogs(page, name);
    if (problems.length > 0) console.log(name, problems);
    await page.context().close();
  }
  const { page } = await open_page(browser, server.url, sizes.wide);
  await sheet(page);
  await users(browser);
} finally {
  await browser.close();
  await server.close();
}
