import { fireEvent, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { render_in_page } from '@testing/render';
import { Drawer } from './Drawer';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function shown(pinned: boolean) {
  const close = vi.fn();
  render_in_page(
    <>
      <Drawer side="left" label="Parameters" pinned={pinned} onClose={close}>
        <textarea aria-label="words" />
      </Drawer>
      <button type="button">elsewhere</button>
    </>,
  );
  return { close, panel: screen.getByLabelText('Parameters') };
}
const mouse = { pointerType: 'mouse' };

test('a floating panel closes when the pointer has left it for a while', () => {
  const { close, panel } = shown(false);
  fireEvent.pointerLeave(panel, mouse);
  vi.advanceTimersByTime(400);
  fireEvent.pointerEnter(panel, mouse);
  vi.advanceTimersByTime(1000);
  expect(close).not.toHaveBeenCalled();
  fireEvent.pointerLeave(panel, mouse);
  vi.advanceTimersByTime(600);
  expect(close).toHaveBeenCalledTimes(1);
});

test('not while something is written in it', () => {
  const { close, panel } = shown(false);
  screen.getByLabelText('words').focus();
  fireEvent.pointerLeave(panel, mouse);
  vi.advanceTimersByTime(1000);
  expect(close).not.toHaveBeenCalled();
});

test('a press elsewhere closes it, one inside does not', () => {
  const { close } = shown(false);
  fireEvent.pointerDown(screen.getByLabelText('words'));
  expect(close).not.toHaveBeenCalled();
  fireEvent.pointerDown(screen.getByText('elsewhere'));
  expect(close).toHaveBeenCalledTimes(1);
});

test('what was pressed while it was pinned counts no more', () => {
  const close = vi.fn();
  const drawer = (pinned: boolean) => (
    <Drawer side="left" label="Parameters" pinned={pinned} onClose={close}>
      <button type="button">inside</button>
    </Drawer>
  );
  const { rerender } = render_in_page(drawer(true));
  fireEvent.pointerDown(screen.getByText('inside'));
  rerender(drawer(false));
  fireEvent.pointerDown(document.body);
  expect(close).toHaveBeenCalledTimes(1);
});

test('a pinned panel stays', () => {
  const { close, panel } = shown(true);
  fireEvent.pointerLeave(panel, mouse);
  fireEvent.pointerDown(screen.getByText('elsewhere'));
  vi.advanceTimersByTime(1000);
  expect(close).not.toHaveBeenCalled();
});
