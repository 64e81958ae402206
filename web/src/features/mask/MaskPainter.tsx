import { Brush, Eraser, Redo2, Trash2, Undo2 } from 'lucide-react';
import {
  useEffect,
  useRef,
  useState,
  type CSSProperties,
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
} from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { NumberField } from '@/components/NumberField';
import { has_mask, paint_strokes, type Stroke } from '@/lib/strokes';
import { useHotkeys } from '@/state/hotkeys';
import { useParameters, type Source } from '@/state/parameters';
import { picture_address } from '@/wire/client';
import styles from './Mask.module.css';

const sizes = { low: 4, high: 512 };
const keyboard_step = 0.02; // of the picture's width, for each arrow key

/** The starting picture with what is to be repainted painted over it. */
export function MaskPainter({ source, tools }: { source: Source; tools: ReactNode }) {
  const { t } = useTranslation();
  const { strokes, change, set, values } = useParameters();
  const [erase, setErase] = useState(false);
  const [size, setSize] = useState(Math.max(16, Math.round(source.width / 12)));
  const [undone, setUndone] = useState<Stroke[]>([]);
  const [draft, setDraft] = useState<Stroke | null>(null);
  const [cursor, setCursor] = useState<[number, number] | null>(null);
  const canvas = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.clearRect(0, 0, source.width, source.height);
    context.strokeStyle = '#ff4fa3';
    paint_strokes(context, draft ? [...strokes, draft] : strokes);
  }, [strokes, draft, source]);

  /** A painted mask takes the place of one that was recalled with a picture. */
  const put = (next: Stroke[]) => {
    change({ strokes: next });
    if (values.init_mask) set('init_mask', null);
  };
  const add = (stroke: Stroke) => {
    put([...strokes, stroke]);
    setUndone([]);
  };
  const undo = () => {
    const last = strokes.at(-1);
    if (!last) return;
    put(strokes.slice(0, -1));
    setUndone([...undone, last]);
  };
  const redo = () => {
    const last = undone.at(-1);
    if (!last) return;
    put([...strokes, last]);
    setUndone(undone.slice(0, -1));
  };
  const clear = () => {
    if (strokes.length === 0) return;
    setUndone([]);
    put([]);
  };
  const resize = (factor: number) =>
    setSize((old) => Math.round(Math.min(sizes.high, Math.max(sizes.low, old * factor))));

  useHotkeys({
    mask_brush: () => setErase(false),
    mask_eraser: () => setErase(true),
    mask_smaller: () => resize(0.8),
    mask_larger: () => resize(1.25),
    mask_clear: clear,
    mask_undo: undo,
    mask_redo: redo,
  });

  const place = (event: PointerEvent): [number, number] => {
    const box = event.currentTarget.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * source.width,
      ((event.clientY - box.top) / box.height) * source.height,
    ];
  };
  const down = (event: PointerEvent<HTMLCanvasElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setDraft({ erase, size, points: [place(event)] });
  };
  const drag = (event: PointerEvent<HTMLCanvasElement>) => {
    setCursor(place(event));
    if (draft) setDraft({ ...draft, points: [...draft.points, place(event)] });
  };
  const up = () => {
    if (draft) add(draft);
    setDraft(null);
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
      add({ erase, size, points: [[x, y]] });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const ring = cursor && {
    left: `${(cursor[0] / source.width) * 100}%`,
    top: `${(cursor[1] / source.height) * 100}%`,
    width: `${(size / source.width) * 100}%`,
    aspectRatio: 1,
  };

  return (
    <>
      <div className={styles.tools} role="toolbar" aria-label={t('mask.tools')}>
        <IconButton
          label={t('hotkey.mask_brush')}
          icon={<Brush />}
          pressed={!erase}
          onClick={() => setErase(false)}
        />
        <IconButton
          label={t('hotkey.mask_eraser')}
          icon={<Eraser />}
          pressed={erase}
          onClick={() => setErase(true)}
        />
        <div className={styles.size}>
          <NumberField
            label={t('mask.size')}
            only_slider
            value={size}
            bounds={{ ...sizes, whole: true }}
            step={1}
            slider={[sizes.low, Math.max(128, Math.round(source.width / 3))]}
            onChange={setSize}
          />
        </div>
        <IconButton
          label={t('hotkey.mask_undo')}
          icon={<Undo2 />}
          disabled={strokes.length === 0}
          onClick={undo}
        />
        <IconButton
          label={t('hotkey.mask_redo')}
          icon={<Redo2 />}
          disabled={undone.length === 0}
          onClick={redo}
        />
        <IconButton
          label={t('hotkey.mask_clear')}
          icon={<Trash2 />}
          disabled={strokes.length === 0}
          onClick={clear}
        />
        <i className={styles.gap} />
        {tools}
      </div>
      <div className={styles.frame}>
        <div
          className={styles.sheet}
          style={
            {
              aspectRatio: `${source.width} / ${source.height}`,
              '--shape': source.width / source.height,
            } as CSSProperties
          }
        >
          <img
            src={picture_address(source.name, 'file')}
            alt={t('source.label')}
            draggable={false}
          />
          <canvas
            ref={canvas}
            className={styles.paint}
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
          {ring && <i className={styles.ring} style={ring} />}
        </div>
      </div>
      <p className={styles.note}>{has_mask(strokes) ? t('mask.some') : t('mask.none')}</p>
    </>
  );
}
