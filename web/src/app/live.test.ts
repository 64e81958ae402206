import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeEventSource, fake_network } from '@testing/network';
import { useLive } from '@/state/live';
import { useNotices } from '@/state/notices';
import { cache, type Jobs } from '@/state/queries';
import { useSelection } from '@/state/selection';
import type { Job } from '@/wire/types';
import { start_live } from './live';

const engine = { state: 'ready', device: 'cpu', precision: 'float32', reason: '', message: '' };
const hello = {
  revision: 1,
  queue: { paused: false, waiting: 0, running: null },
  engine,
  model: null,
};
const job = (state: Job['state'], revision: number) =>
  ({
    id: 'a',
    state,
    revision,
    values: {},
    error: { code: 'internal', message: 'it broke' },
  }) as unknown as Job;
const result = { index: 0, name: 'new.png', seconds: 1, width: 64, height: 64 };

describe('events of the server', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('EventSource', FakeEventSource);
    FakeEventSource.opened = [];
    fake_network();
    cache.setQueryData<Jobs>(['jobs'], {});
    useNotices.setState({ toasts: [], log: [] });
    useSelection.setState({ current: 'old.png', watching: true });
    useLive.setState({ connection: 'connecting', progress: {}, preview: null });
    start_live();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  const stream = () => FakeEventSource.opened.at(-1) as FakeEventSource;

  test('a lost connection is said and, where the browser gives up, opened again', () => {
    stream().send('hello', hello);
    expect(useLive.getState().connection).toBe('open');
    stream().fail(true);
    expect(useLive.getState().connection).toBe('lost');
    expect(FakeEventSource.opened).toHaveLength(1);
    vi.advanceTimersByTime(600);
    expect(FakeEventSource.opened).toHaveLength(2);
    stream().fail(true);
    vi.advanceTimersByTime(600);
    expect(FakeEventSource.opened).toHaveLength(2); // waits longer each time
    vi.advanceTimersByTime(600);
    expect(FakeEventSource.opened).toHaveLength(3);
    const stale = vi.spyOn(cache, 'invalidateQueries');
    stream().send('hello', hello);
    expect(useLive.getState().connection).toBe('open');
    expect(stale).toHaveBeenCalledWith(); // everything
  });

  test('a failure is told once, however often its job is sent', () => {
    stream().send('job', job('failed', 2));
    stream().send('job', job('failed', 2));
    expect(useNotices.getState().toasts.map((toast) => toast.text)).toEqual(['it broke']);
  });

  test('the end of a job ends its preview and progress', () => {
    stream().send('progress', {
      job: 'a',
      picture: 0,
      pictures: 1,
      step: 1,
      steps: 4,
      seconds_left: null,
    });
    stream().send('preview', {
      job: 'a',
      picture: 0,
      step: 1,
      width: 64,
      height: 64,
      image: 'data:',
    });
    vi.advanceTimersByTime(100);
    expect(useLive.getState().preview).not.toBeNull();
    stream().send('job', job('cancelled', 3));
    vi.advanceTimersByTime(100);
    expect(useLive.getState().preview).toBeNull();
    expect(useLive.getState().progress).toEqual({});
  });

  test('a result is shown only while the user follows', () => {
    stream().send('picture', { job: 'a', result });
    expect(useSelection.getState().current).toBe('new.png');
    useSelection.setState({ current: 'chosen.png', watching: false, category: 'upload' });
    stream().send('picture', { job: 'a', result });
    expect(useSelection.getState()).toMatchObject({ current: 'chosen.png', category: 'upload' });
    // Who follows is led from the uploads to the results.
    useSelection.setState({ watching: true });
    stream().send('picture', { job: 'a', result });
    expect(useSelection.getState()).toMatchObject({ current: 'new.png', category: 'result' });
  });

  test('many gallery events make one request', () => {
    const stale = vi.spyOn(cache, 'invalidateQueries').mockClear();
    for (let i = 0; i < 50; i++) stream().send('gallery', { revision: i });
    vi.advanceTimersByTime(300);
    expect(stale.mock.calls.length).toBeLessThanOrEqual(2);
  });
});
