import { fireEvent, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test, vi } from 'vitest';
import { render_in_page } from '@testing/render';
import { start_hotkeys, useHotkeys } from '@/state/hotkeys';
import { usePreferences } from '@/state/preferences';
import { HotkeysDialog } from './HotkeysDialog';

const user = userEvent.setup();
beforeEach(() => usePreferences.setState({ hotkeys: {} }));

test('a hotkey is changed by pressing other keys, and clashes are shown', async () => {
  render_in_page(<HotkeysDialog onClose={() => undefined} />);
  await user.click(screen.getByRole('button', { name: /Change the keys of Star,/ }));
  await user.keyboard('g');
  expect(usePreferences.getState().hotkeys).toEqual({ star: 'G' });
  screen.getByText('Also: Show or hide the gallery');
  await user.click(screen.getByRole('button', { name: 'All as they were' }));
  expect(usePreferences.getState().hotkeys).toEqual({});
});

test('keys work after a switch was clicked, but not while text is entered', () => {
  const stop = start_hotkeys();
  const star = vi.fn();
  function Page() {
    useHotkeys({ star });
    return (
      <>
        <input type="checkbox" aria-label="switch" />
        <input aria-label="text" />
      </>
    );
  }
  render_in_page(<Page />);
  fireEvent.keyDown(screen.getByLabelText('switch'), { key: '.' });
  expect(star).toHaveBeenCalledTimes(1);
  fireEvent.keyDown(screen.getByLabelText('text'), { key: '.' });
  expect(star).toHaveBeenCalledTimes(1);
  stop();
});
