import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';
import { start_i18n } from '../src/lib/i18n';

// What jsdom lacks and Radix asks for.
class NoObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
if (typeof window !== 'undefined') {
  window.ResizeObserver ??= NoObserver as typeof ResizeObserver;
  Element.prototype.scrollIntoView ??= () => undefined;
  Element.prototype.hasPointerCapture ??= () => false;
  configure({ asyncUtilTimeout: 5000 }); // milliseconds; the machine may be busy
  start_i18n();
  afterEach(cleanup);
}
