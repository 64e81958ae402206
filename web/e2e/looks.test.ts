/** What everybody must be able to use: axe over all tabs, themes, sizes and dialogs. */

import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { serious } from './axe';
import { open_page } from './browser';
import { find_program } from './server';
import { phone, use_studio } from './studio';

const program = find_program();
const tabs = ['Text to image', 'Image to image', 'Gallery', 'Queue'];

async function in_theme(page: Page, theme: string): Promise<void> {
  await page.evaluate((name) => {
    document.documentElement.dataset.theme = name;
  }, theme);
}

describe.skipIf(!program)('axe finds no serious problem', () => {
  const studio = use_studio(program ?? '');
  const { prompt, tab } = studio;
  let page: Page;
  beforeAll(() => ({ page } = studio));

  test('a picture to look at', async () => {
    await prompt().fill('a (big)++ red star');
    await studio.set_number('Steps', '2');
    await studio.draw();
    await page.getByRole('toolbar', { name: 'The current picture' }).waitFor();
    await page.keyboard.press('Escape');
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('Shift+I');
    await studio.mask().waitFor();
  });

  test.each(['dark', 'light', 'contrast'])('on any tab, %s', async (theme) => {
    await in_theme(page, theme);
    const found: string[] = [];
    for (const name of tabs) {
      await tab(name);
      found.push(...(await serious(page, name)));
    }
    expect(found).toEqual([]);
  });

  test('with every section, the information and the console open', async () => {
    await in_theme(page, 'dark');
    await tab('Text to image');
    const closed = page.locator(
      'aside button[aria-expanded="false"]:not([aria-haspopup]):not([role])',
    );
    while ((await closed.count()) > 0) await closed.first().click();
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('i');
    await page.keyboard.press('`');
    expect(await serious(page, 'all open')).toEqual([]);
    await page.keyboard.press('Escape');
  });

  test.each(['Settings', 'Hotkeys', 'X/Y grid', 'Save as preset'])(
    'in the dialog %s',
    async (name) => {
      await tab('Text to image');
      await page.getByRole('button', { name, exact: true }).click();
      await page.getByRole('dialog').waitFor();
      expect(await serious(page, name)).toEqual([]);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
    },
  );

  test('in menus, lists, small panels and the viewer', async () => {
    await tab('Text to image');
    const found: string[] = [];
    await studio.thumbs().first().click({ button: 'right' });
    found.push(...(await serious(page, 'menu')));
    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'Sampler' }).click();
    // An open list keeps the focus, so nothing hidden is reached; axe knows that of dialogs only.
    const listed = await serious(page, 'list');
    found.push(...listed.filter((finding) => !finding.includes('aria-hidden-focus')));
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'View', exact: true }).click();
    found.push(...(await serious(page, 'panel')));
    await page.keyboard.press('Escape');
    await page.keyboard.press('z');
    await page.getByRole('dialog', { name: 'Viewer' }).waitFor();
    found.push(...(await serious(page, 'viewer')));
    await page.keyboard.press('Escape');
    expect(found).toEqual([]);
  });

  test('on a phone, where nothing stands beyond the screen', async () => {
    const other = await open_page(studio.browser, studio.server.url, phone, true);
    const found: string[] = [];
    for (const name of tabs) {
      await other.page
        .getByRole('navigation', { name: 'Work areas' })
        .getByRole('button', { name })
        .click();
      found.push(...(await serious(other.page, name)));
      const beyond = await other.page.evaluate(
        () => document.documentElement.scrollWidth > window.innerWidth,
      );
      if (beyond) found.push(`${name}: wider than the screen`);
    }
    expect(found).toEqual([]);
    expect(other.problems).toEqual([]);
    await other.page.context().close();
  });
});
