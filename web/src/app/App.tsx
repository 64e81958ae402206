import { QueryClientProvider } from '@tanstack/react-query';
import { Tooltip } from 'radix-ui';
import { lazy, Suspense } from 'react';
import { HelpShown } from '@/components/Field';
import { InfoPanel } from '@/features/info/InfoPanel';
import { CurrentActions } from '@/features/stage/PictureActions';
import { DeleteDialog } from '@/features/system/DeleteDialog';
import { DropZone } from '@/features/system/DropZone';
import { Login } from '@/features/system/Login';
import { Toasts } from '@/features/system/Toasts';
import { usePreferences } from '@/state/preferences';
import { cache, useApp } from '@/state/queries';
import { useSelection } from '@/state/selection';
import { ServerError } from '@/wire/client';
import { Frame } from './Frame';

// Fetched when first opened.
const Lightbox = lazy(async () => ({
  default: (await import('@/features/lightbox/Lightbox')).Lightbox,
}));

const hint_delay = 400; // milliseconds

export function App() {
  const show_help = usePreferences((state) => state.show_help);
  return (
    <QueryClientProvider client={cache}>
      <Tooltip.Provider delayDuration={hint_delay}>
        <HelpShown.Provider value={show_help}>
          <Page />
          <Toasts />
        </HelpShown.Provider>
      </Tooltip.Provider>
    </QueryClientProvider>
  );
}

function Page() {
  const { data, error } = useApp();
  const lightbox = useSelection((state) => state.lightbox);
  const locked =
    (error instanceof ServerError && error.status === 401) ||
    (data?.users_required && data.user.role === 'none');
  if (locked) return <Login />;
  return (
    <>
      <Frame />
      {lightbox && (
        <Suspense>
          <Lightbox info={<InfoPanel />} actions={<CurrentActions />} />
        </Suspense>
      )}
      <DeleteDialog />
      <DropZone />
    </>
  );
}
