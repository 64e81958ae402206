import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { fake_network } from '@testing/network';
import { render_in_page } from '@testing/render';
import { first_preferences, usePreferences } from '@/state/preferences';
import { useSelection } from '@/state/selection';
import { Help } from './Help';
import { SentDialog } from './SentDialog';
import { SettingsDialog } from './SettingsDialog';

const user = userEvent.setup();
const previews = () => {
  const { preview_every, full_previews } = usePreferences.getState();
  return { preview_every, full_previews };
};

beforeEach(() => {
  fake_network({
    'GET app': {
      name: 'InvokeAI',
      version: '2.3.0',
      engine: { device: 'cpu', precision: 'bfloat16' },
      output_folder: 'outputs',
      user: { name: 'admin', role: 'admin' },
    },
  });
  usePreferences.setState(first_preferences());
});

describe('previews while drawing', () => {
  test.each([
    ['None', { preview_every: 0, full_previews: false }],
    ['Fast', { preview_every: 1, full_previews: false }],
    ['Accurate', { preview_every: 5, full_previews: true }],
  ])('%s', async (kind, wanted) => {
    // Chosen already, it would not change.
    usePreferences.setState({ preview_every: kind === 'None' ? 1 : 0 });
    render_in_page(<SettingsDialog onClose={() => undefined} />);
    await user.click(screen.getByRole('radio', { name: kind }));
    expect(previews()).toEqual(wanted);
    expect(screen.getByRole('radio', { name: kind }).getAttribute('aria-checked')).toBe('true');
    const every = screen.queryByRole('textbox', { name: 'A preview every … steps' });
    expect(every !== null).toBe(kind !== 'None');
  });
});

test('what was sent is shown with its pictures, until it is closed', async () => {
  const request = { prompt: 'a fox', values: { init_img: 'a.png', init_mask: 'b.png' } };
  useSelection.setState({ sent: request });
  render_in_page(<SentDialog request={request} />);
  expect(screen.getAllByRole('img').map((picture) => picture.getAttribute('src'))).toEqual([
    expect.stringContaining('images/a.png/file'),
    expect.stringContaining('images/b.png/file'),
  ]);
  expect(screen.getByLabelText<HTMLTextAreaElement>('The request').value).toContain(
    '"prompt": "a fox"',
  );
  await user.keyboard('{Escape}');
  await waitFor(() => expect(useSelection.getState().sent).toBeNull());
});

test('help opens its pages beside the studio', async () => {
  const open = vi.fn();
  vi.stubGlobal('open', open);
  render_in_page(<Help />);
  for (const [name, address] of [
    ['Report a bug', /github\.com.*issues$/],
    ['Source code on GitHub', /github\.com/],
    ['Community on Discord', /discord/],
  ] as const) {
    await user.click(screen.getByRole('button', { name: 'Help' }));
    await user.click(await screen.findByRole('menuitem', { name }));
    expect(open).toHaveBeenLastCalledWith(expect.stringMatching(address), '_blank', 'noopener');
  }
  vi.unstubAllGlobals();
});
