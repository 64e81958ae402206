import { QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import { Tooltip } from 'radix-ui';
import type { ReactElement } from 'react';
import { cache } from '../src/state/queries';

/** Renders with what the page gives to every component. */
export function render_in_page(element: ReactElement) {
  return render(
    <QueryClientProvider client={cache}>
      <Tooltip.Provider>{element}</Tooltip.Provider>
    </QueryClientProvider>,
  );
}
