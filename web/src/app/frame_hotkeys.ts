import { step_through } from '@/state/gallery_list';
import { useHotkeys } from '@/state/hotkeys';
import { thumbnail_sizes, usePreferences } from '@/state/preferences';
import { useSelection } from '@/state/selection';
import { tabs } from './tabs';

const thumbnail_step = 32; // pixels

/** Closes what is open over the work area: floating panels, information, the console. */
function close_panels(): void {
  const { pin_parameters, pin_gallery, change, ...now } = usePreferences.getState();
  useSelection.setState({ info: false });
  change({
    show_console: false,
    show_parameters: now.show_parameters && pin_parameters,
    show_gallery: now.show_gallery && pin_gallery,
  });
}

/** The keys that work in every tab. */
export function useFrameHotkeys(show_hotkeys: () => void): void {
  const { change, ...now } = usePreferences();
  const current = useSelection((state) => state.current);
  const resize = (pixels: number) => {
    const { low, high } = thumbnail_sizes;
    change({ thumbnail_size: Math.min(high, Math.max(low, now.thumbnail_size + pixels)) });
  };
  const both = now.show_parameters || now.show_gallery;
  useHotkeys({
    ...Object.fromEntries(tabs.map((tab) => [tab.hotkey, () => change({ tab: tab.name })])),
    toggle_parameters: () => change({ show_parameters: !now.show_parameters }),
    toggle_gallery: () => change({ show_gallery: !now.show_gallery }),
    toggle_panels: () => change({ show_parameters: !both, show_gallery: !both }),
    // Pinning a closed panel opens it.
    pin_parameters: () => change({ pin_parameters: !now.pin_parameters, show_parameters: true }),
    pin_gallery: () => change({ pin_gallery: !now.pin_gallery, show_gallery: true }),
    toggle_console: () => change({ show_console: !now.show_console }),
    close_panels,
    show_hotkeys,
    viewer: () => current && useSelection.setState({ lightbox: true }),
    previous: () => void step_through(-1),
    next: () => void step_through(1),
    larger: () => resize(thumbnail_step),
    smaller: () => resize(-thumbnail_step),
  });
}
