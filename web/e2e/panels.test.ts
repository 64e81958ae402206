/** Panels, settings and the mask painter with the real server. */

import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { paint } from '../testing/mock/png';
import { find_program } from './server';
import { second, use_studio } from './studio';

const program = find_program();

interface Details {
  recall: { values: Record<string, unknown> };
}

describe.skipIf(!program)('panels, settings and masks', () => {
  const studio = use_studio(program ?? '');
  const { api, draw, mask, number, prompt, set_number, tab } = studio;
  const details = (name: string) => api<Details>(`images/${encodeURIComponent(name)}`);
  let page: Page;
  beforeAll(() => ({ page } = studio));

  test('a picture to begin with', async () => {
    await prompt().fill('a red circle on a white background');
    await set_number('Steps', '3');
    expect(await draw()).toBeTruthy();
  });

  test('what the model recommends is shown, used and come back to', async () => {
    const { model } = await api<{ model: { recommended: { cfg_scale: number } } }>('app');
    const wish = model.recommended.cfg_scale;
    expect(await number('Guidance').inputValue()).toBe(String(wish));
    await page.getByRole('button', { name: 'Help about Guidance' }).click();
    await page.getByText(`The model recommends ${wish}`).waitFor();
    await page.keyboard.press('Escape');

    expect((await details(await draw())).recall.values.cfg_scale).toBe(wish);
    await set_number('Guidance', '7.5');
    expect((await details(await draw())).recall.values.cfg_scale).toBe(7.5);
    await page.getByRole('button', { name: /^Guidance: Back to/ }).click();
    expect(await number('Guidance').inputValue()).toBe(String(wish));
    expect((await details(await draw())).recall.values.cfg_scale).toBe(wish);

    await page.getByRole('button', { name: 'Reset all settings' }).click();
    expect(await number('Steps').inputValue()).toBe('50');
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await number('Steps').inputValue()).toBe('3');
  });

  test('a floating panel goes by itself, and leaves its buttons', async () => {
    const panel = page.getByRole('complementary', { name: 'Parameters' });
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('Shift+O');
    const work = await page.locator('main').boundingBox();
    expect((await panel.boundingBox())?.x).toBe(work?.x); // over it
    await page.mouse.move(700, 450);
    await page.mouse.click(700, 450);
    await panel.waitFor({ state: 'hidden' });
    const before = await studio.count();
    await page.getByRole('button', { name: 'Invoke', exact: true }).click();
    await expect.poll(studio.count, { timeout: 40 * second }).toBe(before + 1);

    await page.getByRole('button', { name: 'Show or hide the parameters' }).first().click();
    await panel.hover();
    await page.mouse.move(700, 450, { steps: 3 });
    await panel.waitFor({ state: 'hidden' });
    await page.keyboard.press('o');
    await panel.waitFor();
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });
    await page.keyboard.press('Shift+O'); // pinned again, and open
    await panel.waitFor();
    expect((await page.locator('main').boundingBox())?.x).toBeGreaterThan(work?.x ?? 0);
  });

  test('the gallery in one column', async () => {
    const widths = () =>
      studio.thumbs().evaluateAll((all) => all.map((thumb) => thumb.clientWidth));
    const [small = 0] = await widths();
    await page.getByRole('button', { name: 'View', exact: true }).click();
    await page.getByRole('switch', { name: 'One column' }).click();
    await page.keyboard.press('Escape');
    await expect.poll(async () => (await widths())[0]).toBeGreaterThan(small * 1.5);
    await page.getByRole('button', { name: 'View', exact: true }).click();
    await page.getByRole('switch', { name: 'One column' }).click();
    await page.keyboard.press('Escape');
  });

  test('a mask is painted while zoomed, where the pointer is', async () => {
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await studio.thumbs().first().click();
    await page.keyboard.press('Shift+I');
    await mask().waitFor();
    const box = async () => {
      const found = await mask().boundingBox();
      if (!found) throw new Error('no mask');
      return found;
    };
    const start = await box();
    const middle = [start.x + start.width / 2, start.y + start.height / 2] as const;
    const corner = [start.x + start.width * 0.75, start.y + start.height * 0.75] as const;
    await page.mouse.move(...corner);
    await page.mouse.wheel(0, -700);
    await expect.poll(async () => (await box()).width).toBeGreaterThan(start.width * 1.9);
    const near = await box();
    expect((corner[0] - near.x) / near.width).toBeCloseTo(0.75, 2); // the point under it stays

    await page.keyboard.press('v');
    await page.mouse.down();
    await page.mouse.move(...middle, { steps: 4 });
    await page.mouse.up();
    await expect.poll(async () => (await box()).x).toBeCloseTo(near.x + middle[0] - corner[0], 0);

    await page.keyboard.press('b');
    await page.mouse.click(...middle);
    const stroke = () =>
      page.evaluate(
        () => JSON.parse(localStorage.getItem('invokeai.parameters') ?? '{}').state.strokes[0],
      );
    const [at = [0, 0]] = (await stroke()).points as [number, number][];
    const { source } = await page.evaluate(
      () => JSON.parse(localStorage.getItem('invokeai.parameters') ?? '{}').state,
    );
    expect(at[0] / source.width).toBeCloseTo(0.75, 1);
    expect(at[1] / source.height).toBeCloseTo(0.75, 1);

    await page.keyboard.press('0');
    await expect.poll(async () => (await box()).width).toBeCloseTo(start.width, 0);
    await page.keyboard.press('Shift+C');
    await tab('Text to image');
  });

  test('keys of a picture work in the tab of the gallery and in the viewer', async () => {
    await tab('Gallery');
    await studio.thumbs().first().click();
    const star = page.getByRole('button', { name: 'Star', exact: true });
    const pressed = await star.getAttribute('aria-pressed');
    await page.keyboard.press('.');
    await expect.poll(() => star.getAttribute('aria-pressed')).not.toBe(pressed);
    await page.keyboard.press('z');
    const viewer = page.getByRole('dialog', { name: 'Viewer' });
    await viewer.waitFor();
    await page.keyboard.press('.');
    await expect
      .poll(() =>
        viewer.getByRole('button', { name: 'Star', exact: true }).getAttribute('aria-pressed'),
      )
      .toBe(pressed);
    await page.keyboard.press('Escape');
    await viewer.waitFor({ state: 'hidden' });
    const before = await studio.thumbs().count();
    await page.keyboard.press('Delete');
    await page.getByRole('button', { name: 'Delete', exact: true }).last().click();
    await expect.poll(() => studio.thumbs().count()).toBe(before - 1);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => studio.thumbs().count()).toBe(before);
    await tab('Text to image');
  });

  test('two pictures are compared with a slider', async () => {
    await tab('Gallery');
    const [one, two] = [studio.thumbs().nth(0), studio.thumbs().nth(1)];
    await one.click();
    await two.click({ modifiers: ['ControlOrMeta'] });
    await two.click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Compare' }).click();
    const viewer = page.getByRole('dialog', { name: 'Viewer' });
    await viewer.getByAltText('Left picture').waitFor();
    await viewer.getByAltText('Right picture').waitFor();
    const border = viewer.getByRole('slider', { name: 'Border between the pictures' });
    const before = await border.inputValue();
    await border.press('ArrowLeft');
    expect(await border.inputValue()).not.toBe(before);
    await page.keyboard.press('Escape');
    await viewer.waitFor({ state: 'hidden' });
    await tab('Text to image');
  });

  test('a starting picture that is gone is said, not shown broken', async () => {
    await studio.thumbs().first().click();
    await page.keyboard.press('Shift+I');
    await mask().waitFor();
    const state = await page.evaluate(() => localStorage.getItem('invokeai.parameters') ?? '');
    const gone = state.replace(/"name":"[^"]+"/, '"name":"000999.gone.1.png"');
    expect(gone).not.toBe(state);
    await page.evaluate((text) => localStorage.setItem('invokeai.parameters', text), gone);
    await page.reload();
    await page.getByText(/The starting picture 000999.gone.1.png cannot be shown/).waitFor();
    await page.getByRole('button', { name: 'Upload a picture' }).waitFor();
    await tab('Text to image');
  });

  test('a file dropped or pasted becomes the starting picture', async () => {
    await tab('Image to image');
    const uploads = async () => (await api<{ count: number }>('images/count?kind=upload')).count;
    /** As if the file came from outside the browser: over the page, then dropped, or pasted. */
    const bring = (how: 'drop' | 'paste', name: string, seed: number) =>
      page.evaluate(
        ([way, file_name, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], file_name, { type: 'image/png' }));
          const more = { bubbles: true, cancelable: true };
          if (way === 'paste') {
            document.body.dispatchEvent(
              new ClipboardEvent('paste', { clipboardData: data, ...more }),
            );
            return;
          }
          const place = document.querySelector('section[aria-label="Starting picture"]');
          for (const type of ['dragenter', 'dragover', 'drop'])
            place?.dispatchEvent(new DragEvent(type, { dataTransfer: data, ...more }));
        },
        [how, name, [...paint(seed, 96, 64)]] as const,
      );
    const before = await uploads();
    await bring('drop', 'dropped.png', 5);
    await mask().waitFor();
    await page.getByText('Drop pictures to upload them').waitFor({ state: 'hidden' });
    const source = () =>
      page.evaluate(
        () => JSON.parse(localStorage.getItem('invokeai.parameters') ?? '{}').state.source.name,
      );
    await expect.poll(source).toContain('dropped');
    await bring('paste', 'pasted.png', 6);
    await expect.poll(source).toContain('pasted');
    expect(await uploads()).toBe(before + 2);
    await tab('Text to image');
  });

  test('a console is as high as wanted', async () => {
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('`');
    const border = page.getByRole('separator', { name: 'Height of the console' });
    const console_box = page.getByRole('region', { name: 'Console' });
    const height = async () => (await console_box.boundingBox())?.height ?? 0;
    await border.waitFor();
    const first = await height();
    const { x = 0, y = 0 } = (await border.boundingBox()) ?? {};
    await page.mouse.move(x + 300, y + 2);
    await page.mouse.down();
    await page.mouse.move(x + 300, y - 98, { steps: 4 });
    await page.mouse.up();
    await expect.poll(height).toBeCloseTo(first + 100, 0);
    await border.focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowDown');
    await expect.poll(height).toBeCloseTo(first + 20, 0);
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('`');
  });

  test('a console that does not follow stays where it is read', async () => {
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('`');
    const follow = page.getByRole('button', { name: 'Keep the newest line in sight' });
    expect(await follow.getAttribute('aria-pressed')).toBe('true');
    await follow.click();
    expect(await follow.getAttribute('aria-pressed')).toBe('false');
    await follow.click();
    await page.keyboard.press('`');
    await page.getByRole('log').waitFor({ state: 'hidden' });
  });

  test('every setting of the panel is explained in the chosen language', async () => {
    const { settings } = await api<{ settings: { name: string; help: string }[] }>(
      'settings/schema',
    );
    const english = settings.find(({ name }) => name === 'eta')?.help ?? '';
    await page.getByRole('button', { name: 'Settings', exact: true }).click();
    await studio.choose('Language', 'Deutsch');
    await page.getByRole('heading', { name: 'Einstellungen' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Weitere', exact: true }).click();
    await page.getByRole('button', { name: /^Hilfe.*Frisches Rauschen/ }).click();
    await page.getByText(/Anteil frischen Rauschens/).waitFor();
    expect(await page.getByText(english).count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Weitere', exact: true }).click();
    await page.getByRole('button', { name: 'Einstellungen', exact: true }).click();
    await studio.choose('Sprache', 'English');
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    await page.keyboard.press('Escape');
  });
});
