/** Small PNG files painted from a seed, so that the development server has something to show. */

import { crc32, deflateSync } from 'node:zlib';

function chunk(kind: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body) >>> 0, 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** A sky, a sun and hills in colours of the seed; `noise` from 0 to 1 hides them, as a preview. */
export function paint(seed: number, width: number, height: number, noise = 0): Buffer {
  let state = (seed * 2654435761) >>> 0 || 1;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
  const tone = () => [random() * 200 + 40, random() * 200 + 40, random() * 200 + 40] as const;
  const [top, bottom, sun, hill] = [tone(), tone(), tone(), tone()];
  const [sx, sy, radius] = [random() * 0.6 + 0.2, random() * 0.4 + 0.15, random() * 0.15 + 0.08];
  const phase = random() * 6;
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [x / width, y / height];
      const inside = (u - sx) ** 2 + ((v - sy) * (height / width)) ** 2 < radius ** 2;
      const land = v > 0.68 + 0.08 * Math.sin(u * 6 + phase) + 0.03 * Math.sin(u * 17 + phase);
      for (let c = 0; c < 3; c++) {
        let colour = (top[c] ?? 0) * (1 - v) + (bottom[c] ?? 0) * v;
        if (inside) colour = sun[c] ?? 0;
        if (land) colour = (hill[c] ?? 0) * (1.15 - v * 0.5);
        const grain = noise > 0 ? random() * 255 : 0;
        rows[y * (width * 3 + 1) + 1 + x * 3 + c] = Math.min(
          255,
          colour * (1 - noise) + grain * noise,
        );
      }
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 3 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** The PNG with texts (Latin-1) after its header. */
export function with_texts(png: Buffer, texts: Record<string, string>): Buffer {
  const first = 33; // bytes of signature and header
  const chunks = Object.entries(texts).map(([key, text]) =>
    chunk('tEXt', Buffer.from(`${key}\0${text}`, 'latin1')),
  );
  return Buffer.concat([png.subarray(0, first), ...chunks, png.subarray(first)]);
}

/** Width and height of a PNG, or of nothing known (512 x 512). */
export function png_size(data: Buffer): [number, number] {
  if (data.length < 24 || data.toString('latin1', 12, 16) !== 'IHDR') return [512, 512];
  return [data.readUInt32BE(16), data.readUInt32BE(20)];
}
