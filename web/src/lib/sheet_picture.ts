/** A labelled sheet of pictures as one PNG. */

export interface SheetPicture {
  columns: readonly string[];
  rows: readonly string[];
  /** Row by row; null where there is no picture. */
  cells: readonly (ImageBitmap | null)[];
}

const margin = 16; // pixels
const label_height = 40;
const label_width = 160;
const longest_side = 8000; // what browsers draw without trouble

export async function sheet_picture({ columns, rows, cells }: SheetPicture): Promise<Blob> {
  const shown = cells.find((cell) => cell !== null);
  if (!shown) throw new Error('There is no picture on this sheet yet.');
  const left = rows.length > 1 || rows[0] !== '' ? label_width : margin;
  const fit = Math.min(
    1,
    (longest_side - left) / (columns.length * (shown.width + margin)),
    (longest_side - label_height) / (rows.length * (shown.height + margin)),
  );
  const [width, height] = [Math.round(shown.width * fit), Math.round(shown.height * fit)];
  const canvas = new OffscreenCanvas(
    left + columns.length * (width + margin),
    label_height + rows.length * (height + margin),
  );
  const context = canvas.getContext('2d');
  if (!context) throw new Error('The browser gives no drawing surface for the sheet.');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = '#16181c';
  context.font = '600 16px system-ui, sans-serif';
  context.textBaseline = 'middle';
  context.textAlign = 'center';
  const x = (column: number) => left + column * (width + margin);
  const y = (row: number) => label_height + row * (height + margin);
  columns.forEach((label, column) =>
    context.fillText(label, x(column) + width / 2, label_height / 2, width),
  );
  context.textAlign = 'left';
  rows.forEach((label, row) =>
    context.fillText(label, margin, y(row) + height / 2, label_width - 2 * margin),
  );
  cells.forEach((cell, index) => {
    const [column, row] = [index % columns.length, Math.floor(index / columns.length)];
    if (cell) context.drawImage(cell, x(column), y(row), width, height);
  });
  return canvas.convertToBlob({ type: 'image/png' });
}
