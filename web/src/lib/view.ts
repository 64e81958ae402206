/** How a picture is looked at: zoomed, moved, turned. */

export interface View {
  scale: number; // of the picture fitted to its area
  x: number; // pixels of the page from the middle of the area
  y: number;
  angle: number; // degrees
  flipped: boolean;
}

export const no_view: View = { scale: 1, x: 0, y: 0, angle: 0, flipped: false };
const scales = { low: 0.1, high: 20 };

/** A zoom that keeps the point (px, py), counted from the middle of the area, where it is. */
export function zoomed(view: View, factor: number, px = 0, py = 0): View {
  const scale = Math.min(scales.high, Math.max(scales.low, view.scale * factor));
  const real = scale / view.scale;
  return { ...view, scale, x: px - (px - view.x) * real, y: py - (py - view.y) * real };
}

export function as_transform(view: View): string {
  return (
    `translate(${view.x}px, ${view.y}px) scale(${view.scale}) ` +
    `rotate(${view.angle}deg) scaleX(${view.flipped ? -1 : 1})`
  );
}
