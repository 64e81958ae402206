/** The page against the real server: what an artist does in a day. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { open_page } from './browser';
import { make_old_folder, old_prompt } from './old_folder';
import { find_program, type RealServer } from './server';
import { second, use_studio, wide } from './studio';

const program = find_program();

describe.skipIf(!program)('the studio with the real server', () => {
  const studio = use_studio(program ?? '');
  const { api, bytes, count, draw, draw_long, invoke } = studio;
  const { newest, prompt, set_number, short_again, tab, thumbs } = studio;
  let page: Page;
  let server: RealServer;
  beforeAll(() => ({ page, server } = studio));

  test('the first visit makes a picture with one click', async () => {
    await page.getByRole('button', { name: 'Draw this example' }).click();
    await expect.poll(() => thumbs().count(), { timeout: 40 * second }).toBe(1);
    const name = await newest();
    await page.locator('main img[alt^="a big red star"]').waitFor();
    expect(readdirSync(server.outputs)).toContain(name);
  });

  test('the prompt is read by the server', async () => {
    await prompt().fill('a (red)++ star');
    await page.getByText(/^\d+ \/ 75 tokens$/).waitFor();
    await page.getByRole('list', { name: 'How the prompt is read' }).getByText('1.21').waitFor();
  });

  test('recalled parameters give the identical file', async () => {
    await prompt().fill('a green circle on a white background');
    await set_number('Steps', '4');
    const negative = page.getByLabel('Negative prompt', { exact: true });
    await negative.fill('blurry, dark');
    const first = await draw();
    await prompt().fill('something else');
    await negative.fill('');
    await set_number('Steps', '9');
    await page.getByRole('button', { name: 'Use all its parameters' }).click();
    expect(await prompt().inputValue()).toBe('a green circle on a white background');
    expect(await negative.inputValue()).toBe('blurry, dark');
    const again = await draw();
    expect(again).not.toBe(first);
    expect((await bytes(again)).equals(await bytes(first))).toBe(true);
    await negative.fill('');
  });

  test('one parameter alone is recalled', async () => {
    await set_number('Steps', '7');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'About this picture' }).click();
    await page.getByRole('button', { name: 'Use Steps' }).click();
    expect(await page.getByRole('textbox', { name: 'Steps', exact: true }).inputValue()).toBe('4');
    await page.getByRole('button', { name: 'About this picture' }).click();
  });

  test('image to image by drag and drop', async () => {
    await tab('Image to image');
    const source = (await newest()) ?? '';
    await thumbs()
      .first()
      .dragTo(page.getByRole('region', { name: 'Starting picture' }));
    await page.getByLabel(/^Mask\. /).waitFor();
    const result = await draw();
    const details = await api<{ recall: { values: { init_img?: string } } }>(
      `images/${encodeURIComponent(result)}`,
    );
    expect(details.recall.values.init_img).toContain(source);
  });

  test('accurate previews have the size of the picture; what is sent is shown', async () => {
    const in_settings = async (change: () => Promise<void>) => {
      await page.getByRole('button', { name: 'Settings', exact: true }).click();
      await change();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
    };
    const show_sent = page.getByRole('switch', { name: 'Show what is sent with each job' });
    await in_settings(async () => {
      await page.getByRole('radio', { name: 'Accurate', exact: true }).click();
      await show_sent.click();
    });
    const before = await newest();
    await set_number('Steps', '20');
    const preview = page.evaluate(async () => {
      const events = new EventSource('api/v1/events');
      const event = await new Promise<MessageEvent<string>>((resolve) =>
        events.addEventListener('preview', resolve, { once: true }),
      );
      events.close();
      const { image, width, height } = JSON.parse(event.data);
      const picture = new Image();
      picture.src = image;
      await picture.decode();
      return { told: [width, height], drawn: [picture.naturalWidth, picture.naturalHeight] };
    });
    await invoke();
    const dialog = page.getByRole('dialog', { name: 'What was sent' });
    const request = await dialog.getByLabel('The request').inputValue();
    expect(JSON.parse(request)).toMatchObject({ preview_every: 5, full_previews: true });
    await dialog.getByRole('img', { name: 'Starting picture' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(newest, { timeout: 40 * second }).not.toBe(before);
    const { told, drawn } = await preview;
    expect(drawn).toEqual(told);
    await in_settings(async () => {
      await page.getByRole('radio', { name: 'Fast', exact: true }).click();
      await show_sent.click();
    });
    await set_number('Steps', '4');
  });

  test('what is not painted stays as it was', async () => {
    const source = JSON.parse(
      await page.evaluate(() => localStorage.getItem('invokeai.parameters') ?? ''),
    ).state.source.name as string;
    const canvas = await page.getByLabel(/^Mask\. /).boundingBox();
    if (!canvas) throw new Error('no canvas');
    const at = (u: number, v: number) =>
      [canvas.x + canvas.width * u, canvas.y + canvas.height * v] as const;
    await page.mouse.move(...at(0.75, 0.25));
    await page.mouse.down();
    await page.mouse.move(...at(0.8, 0.5), { steps: 4 });
    await page.mouse.move(...at(0.75, 0.75), { steps: 4 });
    await page.mouse.up();
    interface Masked {
      init_mask?: string;
      invert_mask?: boolean;
    }
    const last = async () =>
      (await api<{ jobs: { values: Masked }[] }>('jobs?limit=1')).jobs[0]?.values ?? {};
    /** Which half of a result is still that of the starting picture, to the last bit. */
    const unchanged = (result: string) =>
      page.evaluate(
        async ([one, two]) => {
          const side = async (name: string, from: number) => {
            const address = `api/v1/images/${encodeURIComponent(name)}/file`;
            const picture = await createImageBitmap(await (await fetch(address)).blob());
            const { width, height } = picture;
            const drawn = new OffscreenCanvas(width, height).getContext('2d');
            drawn?.drawImage(picture, 0, 0);
            return drawn?.getImageData(from * width, 0, width / 2, height).data.join();
          };
          const equal = async (from: number) => (await side(one, from)) === (await side(two, from));
          return { left: await equal(0), right: await equal(0.5) };
        },
        [source, result] as const,
      );
    const result = await draw();
    expect((await last()).init_mask).toBeTruthy();
    // Painted was at the right.
    if (studio.draws) expect(await unchanged(result)).toEqual({ left: true, right: false });

    const fold = page.getByRole('button', { name: 'Inpainting', exact: true });
    const invert = page.getByRole('switch', { name: 'Invert the mask' });
    await fold.click();
    await invert.click();
    const inverted = await draw();
    expect((await last()).invert_mask).toBe(true);
    if (studio.draws) expect((await unchanged(inverted)).left).toBe(false);
    await invert.click();
    await fold.click();
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('Shift+C');
  });

  test('a second window stays in step', async () => {
    const other = await open_page(studio.browser, server.url, wide);
    const before = await other.page.locator('[data-thumb]').first().getAttribute('data-thumb');
    await other.page.locator('main img[alt]').first().waitFor(); // the newest is shown at once
    await tab('Text to image');
    await draw();
    await expect
      .poll(() => other.page.locator('[data-thumb]').first().getAttribute('data-thumb'))
      .not.toBe(before);
    expect(other.problems).toEqual([]);
    await other.page.context().close();
  });

  test('a reload in the middle loses nothing', async () => {
    const before = await newest();
    await draw_long(studio.draws ? 1 : 4);
    await page.reload();
    await page.getByRole('progressbar', { name: 'Progress' }).waitFor();
    await expect.poll(newest, { timeout: 55 * second }).not.toBe(before);
    await short_again();
  });

  test('a killed server is missed, and comes back with the job', async () => {
    const before = await count();
    await draw_long();
    await server.end('SIGKILL');
    await page.getByText('The connection to the server is lost.').waitFor();
    await server.start();
    await page.getByText('The connection to the server is lost.').waitFor({ state: 'hidden' });
    await expect.poll(count, { timeout: 55 * second }).toBe(before + studio.long.pictures);
    await expect.poll(() => page.getByRole('status').first().textContent()).toBe('Ready');
    await short_again();
  });

  test('the queue is moved, paused, cancelled and tried again', async () => {
    await tab('Queue');
    await page.getByRole('button', { name: 'Pause' }).click();
    await tab('Text to image');
    for (const text of ['first', 'second', 'third']) {
      await prompt().fill(text);
      await invoke();
    }
    await tab('Queue');
    const waiting = () =>
      page
        .locator('article[data-state="queued"]')
        .evaluateAll((cards) => cards.map((card) => card.querySelector('p')?.textContent));
    await expect.poll(waiting).toEqual(['first', 'second', 'third']);
    // With the keyboard: take the third, move it up twice, let it go.
    const handle = page.getByRole('button', { name: 'Move in the queue' }).nth(2);
    await handle.focus();
    for (const key of ['Space', 'ArrowUp', 'ArrowUp', 'Space']) {
      await page.keyboard.press(key);
      await page.waitForTimeout(300);
    }
    await expect.poll(waiting).toEqual(['third', 'first', 'second']);
    const order = async () =>
      (await api<{ jobs: { prompt: string }[] }>('jobs/waiting')).jobs.map((job) => job.prompt);
    await expect.poll(order).toEqual(['third', 'first', 'second']);
    const cards = page.locator('article[data-state="queued"]');
    await cards.nth(1).getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(waiting).toEqual(['third', 'second']);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('Nothing waits').waitFor({ timeout: 40 * second });
    await page
      .locator('article[data-state="cancelled"]')
      .getByRole('button', { name: 'Draw again' })
      .click();
    await expect
      .poll(() => page.locator('article[data-state="completed"]', { hasText: 'first' }).count(), {
        timeout: 40 * second,
      })
      .toBe(1);
  });

  test('star, search, board, delete and undo', async () => {
    await tab('Gallery');
    await thumbs().first().click();
    const name = (await newest()) ?? '';
    await thumbs().first().click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Star', exact: true }).click();
    await page.locator(`[data-thumb="${name}"]`).getByLabel('Starred').waitFor();
    await page.getByRole('searchbox').fill('green circle');
    await expect.poll(() => thumbs().count()).toBeGreaterThan(0);
    await expect
      .poll(async () =>
        (await thumbs().evaluateAll((all) => all.map((t) => t.ariaLabel ?? ''))).every((text) =>
          text.includes('green circle'),
        ),
      )
      .toBe(true);
    await page.getByRole('searchbox').fill('no such words');
    await page.getByText('Nothing matches').waitFor();
    await page.getByRole('button', { name: 'Show all pictures' }).click();
    expect(await page.getByRole('searchbox').inputValue()).toBe('');
    await expect.poll(() => thumbs().count()).toBeGreaterThan(0);

    await page.getByRole('button', { name: 'New board' }).click();
    await page.getByRole('textbox', { name: 'Name of the board' }).fill('Favourites');
    await page.getByRole('button', { name: 'Save' }).click();
    const board = page.getByRole('button', { name: /^Favourites/ });
    await board.waitFor();
    await page.locator(`[data-thumb="${name}"]`).dragTo(board);
    await board.click();
    await expect.poll(() => thumbs().count()).toBe(1);

    await page.keyboard.press('Escape');
    await tab('Text to image');
    await expect.poll(newest).toBe(name);
    await thumbs().first().click();
    await page.keyboard.press('Delete');
    await page.getByRole('button', { name: 'Delete', exact: true }).last().click();
    await expect.poll(() => thumbs().count()).toBe(0);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => thumbs().count()).toBe(1);
    await tab('Gallery');
    await page.getByRole('button', { name: 'All pictures' }).click();
    await tab('Text to image');
  });

  test('an outputs folder of the original is imported, with its parameters', async () => {
    const old = join(server.folder, 'old-outputs');
    const names = make_old_folder(old);
    await page.getByRole('button', { name: 'Settings', exact: true }).click();
    await page.getByRole('textbox', { name: 'Import a 2.x outputs folder' }).fill(old);
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByText(`${names.length} pictures added, 0 were there already.`).first().waitFor();
    await page.keyboard.press('Escape');
    expect(readdirSync(old)).toEqual(expect.arrayContaining(names)); // it stays as it was

    await page.getByRole('searchbox').fill(old_prompt);
    await expect.poll(() => thumbs().count()).toBe(1);
    await thumbs().first().click();
    await page.getByRole('button', { name: 'Use all its parameters' }).click();
    expect(await prompt().inputValue()).toBe(old_prompt);
    expect(await page.getByLabel('Negative prompt', { exact: true }).inputValue()).toBe('blurry');
    expect(await studio.number('Steps').inputValue()).toBe('12');
    expect(await studio.number('Seed').inputValue()).toBe('2642857669');
    await page.getByRole('searchbox').fill('');
    await page.getByRole('button', { name: 'Reset all settings' }).click();
    await short_again();
  });

  test('the model is changed while idle and while running', async () => {
    const choose = (name: string) => studio.choose('Model', name);
    const active = async () => (await api<{ model: { name: string } }>('app')).model?.name;
    await choose('other');
    await expect.poll(active, { timeout: 20 * second }).toBe('other');
    await draw_long();
    await choose('demo');
    await expect.poll(active, { timeout: 50 * second }).toBe('demo');
    await short_again();
    // The running job was drawn to its end, with the model it had begun with.
    interface Ended {
      jobs: { state: string; results: { name: string }[] }[];
    }
    const [job] = (await api<Ended>('jobs?limit=1')).jobs;
    expect(job?.state).toBe('completed');
    const name = encodeURIComponent(job?.results[0]?.name ?? '');
    const { model } = await api<{ model: string }>(`images/${name}`);
    if (studio.draws) expect(model).toBe('other');
  });

  test('presets keep prompts and settings', async () => {
    await prompt().fill('a preset prompt');
    await page.getByRole('button', { name: 'Save as preset' }).click();
    await page.getByRole('textbox', { name: 'Name of the preset' }).fill('mine');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await prompt().fill('other words');
    await page.getByRole('combobox', { name: 'Presets' }).click();
    await page.getByRole('option', { name: /^mine/ }).click();
    await expect.poll(() => prompt().inputValue()).toBe('a preset prompt');
  });

  test('a grid of two parameters fills its sheet', async () => {
    await page.getByRole('button', { name: 'X/Y grid' }).click();
    await page.getByRole('textbox', { name: 'Values' }).fill('2, 3');
    await page.getByRole('combobox', { name: 'Down' }).click();
    await page.getByRole('option', { name: 'Guidance' }).click();
    await page.getByRole('textbox', { name: 'Values' }).nth(1).fill('1, 2');
    await page.getByRole('button', { name: 'Queue 4 pictures' }).click();
    await tab('Queue');
    await page.getByText('4 of 4').waitFor({ timeout: 50 * second });
    await page.getByText('4 of 4').click();
    await expect.poll(() => page.getByRole('dialog').locator('td img').count()).toBe(4);
    await page.getByRole('button', { name: 'Put the sheet into the gallery' }).click();
    await page.getByText('The sheet is in the gallery').first().waitFor();
    await page.keyboard.press('Escape');
    await tab('Text to image');
  });

  test('a dynamic prompt is expanded and queued', async () => {
    await prompt().fill('a {red|blue} {star|moon}');
    await page.getByRole('button', { name: /expands to/ }).click();
    await page.getByText('a blue moon').waitFor();
    await page.getByRole('button', { name: 'Queue all 4' }).click();
    const before = await count();
    await expect.poll(count, { timeout: 50 * second }).toBeGreaterThanOrEqual(before + 3);
    await expect
      .poll(async () => (await api<{ running: null }>('queue')).running, { timeout: 40 * second })
      .toBe(null);
  });

  test('keys alone are enough, and can be changed', async () => {
    await page.keyboard.press('Alt+a');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('a star by keyboard');
    const before = await count();
    await page.keyboard.press('Enter');
    await expect.poll(count, { timeout: 40 * second }).toBe(before + 1);
    await page.keyboard.press('Escape');
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('z');
    await page.getByRole('dialog', { name: 'Viewer' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Viewer' }).waitFor({ state: 'hidden' });
    await page.keyboard.press('?');
    await page.getByRole('button', { name: /Change the keys of Star,/ }).click();
    await page.keyboard.press('x');
    await page.keyboard.press('Escape');
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    const star = page.getByRole('button', { name: 'Star', exact: true });
    const pressed = await star.getAttribute('aria-pressed');
    await page.keyboard.press('x');
    await expect.poll(() => star.getAttribute('aria-pressed')).not.toBe(pressed);
  });

  test('the language changes at once', async () => {
    await page.getByRole('button', { name: 'Settings', exact: true }).click();
    await page.getByRole('combobox', { name: 'Language' }).click();
    await page.getByRole('option', { name: 'Deutsch' }).click();
    await page.getByRole('heading', { name: 'Einstellungen' }).waitFor();
    await page.getByRole('combobox', { name: 'Sprache' }).click();
    await page.getByRole('option', { name: 'English' }).click();
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    await page.keyboard.press('Escape');
  });
});
