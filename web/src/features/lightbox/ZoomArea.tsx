import { useCallback, useRef, useState } from 'react';
import { useZoomGestures } from '@/components/zoom';
import { as_transform, no_view, zoomed, type View } from '@/lib/view';
import styles from './Lightbox.module.css';

/** The view of one picture; another picture begins anew. */
export function useView(name: string) {
  const [state, setState] = useState({ name, view: no_view });
  if (state.name !== name) setState({ name, view: no_view });
  const setView = useCallback((view: View) => setState((old) => ({ ...old, view })), []);
  const zoom = (factor: number) => setView(zoomed(state.view, factor));
  return { view: state.view, setView, zoom };
}

interface ZoomAreaProps {
  source: string;
  alt: string;
  view: View;
  onChange(view: View): void;
}

/** Wheel and pinch zoom about the pointer; dragging moves. */
export function ZoomArea({ source, alt, view, onChange }: ZoomAreaProps) {
  const area = useRef<HTMLDivElement>(null);
  const gestures = useZoomGestures(area, view, onChange);
  return (
    <div
      ref={area}
      className={styles.zoom}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        gestures.down(event);
      }}
      onPointerMove={(event) => gestures.move(event, true)}
      onPointerUp={gestures.up}
      onPointerCancel={gestures.up}
    >
      <img src={source} alt={alt} draggable={false} style={{ transform: as_transform(view) }} />
    </div>
  );
}
