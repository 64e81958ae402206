/** Whether everybody can use what is shown, as axe sees it. */

import axe from 'axe-core';
import type { Page } from 'playwright-core';

const fade = 300; // milliseconds; what fades in has its colours then

/** Serious and critical findings, one line each. */
export async function serious(page: Page, where: string): Promise<string[]> {
  await page.waitForTimeout(fade);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run(document),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => {
      const places = nodes.map((node) => node.html).slice(0, 3);
      return `${where}: ${id} ${places.join(' ')}`;
    });
}
