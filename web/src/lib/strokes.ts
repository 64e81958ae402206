/** A painted mask as strokes in pixels of its picture, and the mask picture made of them. */

export interface Stroke {
  erase: boolean;
  size: number; // diameter
  points: [number, number][];
}

/** Paints the strokes; the context's colour is the masked one. */
export function paint_strokes(context: CanvasRenderingContext2D, strokes: readonly Stroke[]): void {
  context.lineCap = 'round';
  context.lineJoin = 'round';
  for (const stroke of strokes) {
    const [first, ...rest] = stroke.points;
    if (!first) continue;
    context.globalCompositeOperation = stroke.erase ? 'destination-out' : 'source-over';
    context.lineWidth = stroke.size;
    context.beginPath();
    context.moveTo(...first);
    if (rest.length === 0) context.lineTo(first[0] + 0.01, first[1]);
    for (const point of rest) context.lineTo(...point);
    context.stroke();
  }
  context.globalCompositeOperation = 'source-over';
}

/** Black where the server is to repaint, white where it keeps (PNG). */
export async function mask_picture(
  strokes: readonly Stroke[],
  width: number,
  height: number,
): Promise<Blob> {
  const layer = new OffscreenCanvas(width, height);
  const painted = layer.getContext('2d');
  const mask = new OffscreenCanvas(width, height);
  const context = mask.getContext('2d');
  if (!painted || !context) throw new Error('The browser gives no drawing surface for the mask.');
  painted.strokeStyle = '#000';
  paint_strokes(painted as unknown as CanvasRenderingContext2D, strokes);
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.drawImage(layer, 0, 0);
  return mask.convertToBlob({ type: 'image/png' });
}

/** Something is left to repaint. */
export function has_mask(strokes: readonly Stroke[]): boolean {
  return strokes.some((stroke) => !stroke.erase);
}
