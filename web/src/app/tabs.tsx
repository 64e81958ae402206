/** The tabs of the studio, in their order. A new one (canvas, models, training) is one entry here. */

import { Images, ListOrdered, Type, WandSparkles } from 'lucide-react';
import { lazy, type ReactNode } from 'react';
import type { HotkeyName } from '@/state/hotkeys';
import type { TabName } from '@/state/preferences';
import { Gallery } from '@/features/gallery/Gallery';
import { Boards } from '@/features/gallery/Boards';
import { SourceArea } from '@/features/mask/SourceArea';
import { Panel } from '@/features/parameters/Panel';
import { SheetButton } from '@/features/sheets/SheetDialog';
import { CurrentActions } from '@/features/stage/PictureActions';
import { Guide } from '@/features/stage/Guide';
import { Stage } from '@/features/stage/Stage';
import { PinButton } from './PinButton';
import { useCount } from '@/state/gallery_list';
import { usePreferences } from '@/state/preferences';
import type { Mode } from '@/state/requests';

// Fetched when the tab is first opened.
const QueueView = lazy(async () => ({
  default: (await import('@/features/queue/QueueView')).QueueView,
}));
const SheetList = lazy(async () => ({
  default: (await import('@/features/sheets/SheetList')).SheetList,
}));

export interface Tab {
  name: TabName;
  icon: ReactNode;
  hotkey: HotkeyName;
  /** The panel at the left, if the tab has one. */
  side?: () => ReactNode;
  work: () => ReactNode;
  /** What Invoke draws here. */
  mode?: Mode;
  /** Whether the gallery stands beside it. */
  with_gallery: boolean;
}

function TextWork() {
  const done = usePreferences((state) => state.guide_done);
  const count = useCount({ kind: 'result' });
  const first_visit = !done && count.isSuccess && count.data === 0;
  return <Stage guide={first_visit ? <Guide /> : undefined} />;
}

export const tabs: readonly Tab[] = [
  {
    name: 'text',
    icon: <Type />,
    hotkey: 'tab_text',
    mode: 'text',
    side: () => (
      <Panel
        mode="text"
        head={<PinButton name="pin_parameters" />}
        tools={<SheetButton mode="text" />}
      />
    ),
    work: () => <TextWork />,
    with_gallery: true,
  },
  {
    name: 'image',
    icon: <WandSparkles />,
    hotkey: 'tab_image',
    mode: 'image',
    side: () => (
      <Panel
        mode="image"
        head={<PinButton name="pin_parameters" />}
        tools={<SheetButton mode="image" />}
      />
    ),
    work: () => <SourceArea result={<Stage />} />,
    with_gallery: true,
  },
  {
    name: 'gallery',
    icon: <Images />,
    hotkey: 'tab_gallery',
    side: () => <Boards tools={<PinButton name="pin_parameters" />} />,
    work: () => <Gallery large actions={<CurrentActions />} />,
    with_gallery: false,
  },
  {
    name: 'queue',
    icon: <ListOrdered />,
    hotkey: 'tab_queue',
    work: () => <QueueView more={<SheetList />} />,
    with_gallery: false,
  },
];
