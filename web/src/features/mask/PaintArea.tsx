import {
  useEffect,
  useRef,
  useState,
  type CSSProperties,
  type KeyboardEvent,
  type PointerEvent,
} from 'react';
import { useTranslation } from 'react-i18next';
import { useZoomGestures } from '@/components/zoom';
import { paint_strokes, type Stroke } from '@/lib/strokes';
import { as_transform, type View } from '@/lib/view';
import { notify } from '@/state/notices';
import { useParameters, type Source } from '@/state/parameters';
import { picture_address } from '@/wire/client';
import styles from './Mask.module.css';
import type { Tool } from './MaskTools';

const keyboard_step = 0.02; // of the picture's width, for each arrow key
const middle_button = 1;

interface PaintAreaProps {
  source: Source;
  tool: Tool;
  size: number; // of the brush, in pixels of the picture
  strokes: readonly Stroke[];
  view: View;
  onView(view: View): void;
  onStroke(stroke: Stroke): void;
}

/** Paints the strokes and the one being drawn. */
function useStrokesCanvas(strokes: readonly Stroke[], draft: Stroke | null, source: Source) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.clearRect(0, 0, source.width, source.height);
    context.strokeStyle = '#ff4fa3';
    paint_strokes(context, draft ? [...strokes, draft] : strokes);
  }, [strokes, draft, source]);
  return canvas;
}

/** The point of the picture under the pointer, in its pixels. */
function place(event: PointerEvent, { width, height }: Source): [number, number] {
  const box = event.currentTarget.getBoundingClientRect();
  return [
    ((event.clientX - box.left) / box.width) * width,
    ((event.clientY - box.top) / box.height) * height,
  ];
}

/** The picture under its mask. Wheel and two fingers zoom; the hand or the middle button moves. */
export function PaintArea(props: PaintAreaProps) {
  const { source, tool, size, strokes, view, onView, onStroke } = props;
  const { t } = useTranslation();
  const change = useParameters((state) => state.change);
  const [draft, setDraft] = useState<Stroke | null>(null);
  const [cursor, setCursor] = useState<[number, number] | null>(null);
  const [moving, setMoving] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useStrokesCanvas(strokes, draft, source);
  const gestures = useZoomGestures(frame, view, onView);
  const erase = tool === 'eraser';

  const down = (event: PointerEvent<HTMLCanvasElement>) => {
    if (event.button > middle_button) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const fingers = gestures.down(event);
    const moves = tool === 'move' || event.button === middle_button || fingers > 1;
    setMoving(moves);
    setDraft(moves ? null : { erase, size, points: [place(event, source)] });
  };
  const drag = (event: PointerEvent<HTMLCanvasElement>) => {
    const at = place(event, source);
    setCursor(tool === 'move' ? null : at);
    if (gestures.move(event, moving)) return;
    setDraft((old) => old && { ...old, points: [...old.points, at] });
  };
  const up = (event: PointerEvent) => {
    if (draft) onStroke(draft);
    setDraft(null);
    if (gestures.up(event) === 0) setMoving(false);
  };

  /** With the keyboard: arrows move the brush, space paints a dot where it is. */
  const press = (event: KeyboardEvent) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      event.key
    ];
    const [x, y] = cursor ?? [source.width / 2, source.height / 2];
    if (way) {
      const step = source.width * keyboard_step;
      const bound = (value: number, most: number) => Math.min(most, Math.max(0, value));
      setCursor([
        bound(x + (way[0] ?? 0) * step, source.width),
        bound(y + (way[1] ?? 0) * step, source.height),
      ]);
    } else if (event.key === ' ') {
      onStroke({ erase, size, points: [[x, y]] });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const ring = cursor && {
    left: `${(cursor[0] / source.width) * 100}%`,
    top: `${(cursor[1] / source.height) * 100}%`,
    width: `${(size / source.width) * 100}%`,
    aspectRatio: 1,
    '--line': `${1.5 / view.scale}px`,
  };

  return (
    <div ref={frame} className={styles.frame}>
      <div
        className={styles.sheet}
        style={
          {
            aspectRatio: `${source.width} / ${source.height}`,
            '--shape': source.width / source.height,
            transform: as_transform(view),
          } as CSSProperties
        }
      >
        <img
          src={picture_address(source.name, 'file')}
          alt={t('source.label')}
          draggable={false}
          onError={() => {
            notify('error', t('toast.source_gone', { name: source.name }));
            change({ source: null, strokes: [] });
          }}
        />
        <canvas
          ref={canvas}
          className={styles.paint}
          data-tool={moving ? 'move' : tool}
          width={source.width}
          height={source.height}
          // eslint-disable-next-line jsx-a11y/no-interactive-element-to-noninteractive-role
          role="application"
          aria-label={t('mask.canvas')}
          tabIndex={0}
          onPointerDown={down}
          onPointerMove={drag}
          onPointerUp={up}
          onPointerCancel={up}
          onPointerLeave={() => setCursor(null)}
          onKeyDown={press}
        />
        {ring && <i className={styles.ring} style={ring as CSSProperties} />}
      </div>
    </div>
  );
}
