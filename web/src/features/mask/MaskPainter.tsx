import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { has_mask } from '@/lib/strokes';
import { no_view, zoomed } from '@/lib/view';
import { useHotkeys } from '@/state/hotkeys';
import type { Source } from '@/state/parameters';
import styles from './Mask.module.css';
import { brush_sizes, useMaskEdits } from './mask_edits';
import { MaskTools, ViewTools, type Tool } from './MaskTools';
import { PaintArea } from './PaintArea';

const zoom_step = 1.25;

/** The starting picture with what is to be repainted painted over it; zoomed and moved at will. */
export function MaskPainter({ source, tools }: { source: Source; tools: ReactNode }) {
  const { t } = useTranslation();
  const edits = useMaskEdits();
  const [tool, setTool] = useState<Tool>('brush');
  const [size, setSize] = useState(Math.max(16, Math.round(source.width / 12)));
  const [view, setView] = useState(no_view);
  const { low, high } = brush_sizes;
  const resize = (factor: number) =>
    setSize((old) => Math.round(Math.min(high, Math.max(low, old * factor))));
  const zoom = (factor: number) => setView((old) => zoomed(old, factor));

  useHotkeys({
    mask_brush: () => setTool('brush'),
    mask_eraser: () => setTool('eraser'),
    mask_move: () => setTool('move'),
    mask_smaller: () => resize(0.8),
    mask_larger: () => resize(1.25),
    mask_clear: () => edits.clear?.(),
    mask_undo: () => edits.undo?.(),
    mask_redo: () => edits.redo?.(),
    mask_zoom_in: () => zoom(zoom_step),
    mask_zoom_out: () => zoom(1 / zoom_step),
    mask_fit: () => setView(no_view),
  });

  return (
    <>
      <div className={styles.tools} role="toolbar" aria-label={t('mask.tools')}>
        <MaskTools
          tool={tool}
          size={size}
          widest={source.width}
          edits={edits}
          onTool={setTool}
          onSize={setSize}
        />
        <i className={styles.gap} />
        {tools}
      </div>
      <PaintArea
        source={source}
        tool={tool}
        size={size}
        strokes={edits.strokes}
        view={view}
        onView={setView}
        onStroke={edits.add}
      />
      <div className={styles.foot}>
        <p>{has_mask(edits.strokes) ? t('mask.some') : t('mask.none')}</p>
        <ViewTools
          tool={tool}
          onTool={setTool}
          fitted={view === no_view}
          onZoom={(closer) => zoom(closer ? zoom_step : 1 / zoom_step)}
          onFit={() => setView(no_view)}
        />
      </div>
    </>
  );
}
