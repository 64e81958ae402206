import { Brush, Eraser, Hand, Redo2, Scan, Trash2, Undo2, ZoomIn, ZoomOut } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { NumberField } from '@/components/NumberField';
import { keys_of, type HotkeyName } from '@/state/hotkeys';
import { usePreferences } from '@/state/preferences';
import { brush_sizes, type MaskEdits } from './mask_edits';
import styles from './Mask.module.css';

export type Tool = 'brush' | 'eraser' | 'move';

interface MaskToolsProps {
  tool: Tool;
  size: number; // pixels of the picture
  widest: number; // width of the picture
  edits: MaskEdits;
  onTool(tool: Tool): void;
  onSize(size: number): void;
}

/** A button for what a hotkey does; without `run` it waits. */
function useToolButton() {
  const { t } = useTranslation();
  const changed = usePreferences((state) => state.hotkeys);
  return (name: HotkeyName, icon: ReactNode, run?: () => void, pressed?: boolean) => (
    <IconButton
      label={t(`hotkey.${name}`)}
      keys={keys_of(name, changed)}
      icon={icon}
      pressed={pressed}
      disabled={!run}
      onClick={run}
    />
  );
}

/** Brush and eraser; size; undo. */
export function MaskTools({ tool, size, widest, edits, onTool, onSize }: MaskToolsProps) {
  const { t } = useTranslation();
  const button = useToolButton();
  return (
    <>
      {button('mask_brush', <Brush />, () => onTool('brush'), tool === 'brush')}
      {button('mask_eraser', <Eraser />, () => onTool('eraser'), tool === 'eraser')}
      <div className={styles.size}>
        <NumberField
          label={t('mask.size')}
          only_slider
          value={size}
          bounds={{ ...brush_sizes, whole: true }}
          step={1}
          slider={[brush_sizes.low, Math.max(128, Math.round(widest / 3))]}
          onChange={onSize}
        />
      </div>
      {button('mask_undo', <Undo2 />, edits.undo)}
      {button('mask_redo', <Redo2 />, edits.redo)}
      {button('mask_clear', <Trash2 />, edits.clear)}
    </>
  );
}

interface ViewToolsProps {
  tool: Tool;
  fitted: boolean;
  onTool(tool: Tool): void;
  onZoom(closer: boolean): void;
  onFit(): void;
}

/** Hand and zoom: how the picture is looked at. */
export function ViewTools({ tool, fitted, onTool, onZoom, onFit }: ViewToolsProps) {
  const button = useToolButton();
  const moves = tool === 'move';
  return (
    <>
      {button('mask_move', <Hand />, () => onTool(moves ? 'brush' : 'move'), moves)}
      {button('mask_zoom_out', <ZoomOut />, () => onZoom(false))}
      {button('mask_zoom_in', <ZoomIn />, () => onZoom(true))}
      {button('mask_fit', <Scan />, fitted ? undefined : onFit)}
    </>
  );
}
