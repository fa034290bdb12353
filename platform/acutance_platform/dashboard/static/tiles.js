// One picture in tiles: loads those that are seen, draws them pixel for pixel, reads single values.

const TILE = 256;
const KEPT = 96;

const scratch = document.createElement("canvas");
scratch.width = scratch.height = 1;
const reader = scratch.getContext("2d", { willReadFrequently: true });

/** A picture of the server in tiles. */
export class Picture {
  /**
   * @param address (level, row, column) -> address of a tile.
   * @param size [rows, columns].
   * @param factor HR pixels that one of its pixels stands for: the scale for LR, else 1.
   * @param changed Called when a tile has come.
   */
  constructor(address, size, factor, changed) {
    Object.assign(this, { address, factor, changed });
    this.rows = size[0];
    this.columns = size[1];
    this.levels = 1;
    for (let side = Math.max(...size); side > TILE; side = Math.ceil(side / 2)) this.levels += 1;
    this.whole = true;
    this.parts = [];
    this.tiles = new Map();
    this.version = 0;
  }

  /** Take in how far a picture is that is being made: [top, left, rows, columns] of what is done. */
  grow(parts, whole) {
    const fresh = parts.slice(this.parts.length);
    if (!whole && !fresh.length && !this.whole) return;
    if (whole === this.whole && !fresh.length) return;
    this.whole = whole;
    this.parts = parts;
    this.version += 1;
    this.tiles.clear(); // what was loaded may have been black where it is done now
    this.changed();
  }

  /** A tile's bitmap, or null while it is on its way. */
  tile(level, row, column) {
    const key = `${level}/${row}/${column}`;
    const known = this.tiles.get(key);
    if (known !== undefined) {
      this.tiles.delete(key); // to the end: looked at last
      this.tiles.set(key, known);
      return known;
    }
    this.tiles.set(key, null);
    this.load(key, level, row, column);
    return null;
  }

  async load(key, level, row, column) {
    const version = this.version;
    try {
      const query = this.whole ? "" : `?v=${version}`;
      const answer = await fetch(this.address(level, row, column) + query);
      if (!answer.ok) throw new Error(String(answer.status));
      const exact = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
      const bitmap = await createImageBitmap(await answer.blob(), exact);
      if (version !== this.version) return;
      this.tiles.set(key, bitmap);
      for (const [old, was] of this.tiles) {
        if (this.tiles.size <= KEPT) break;
        this.tiles.delete(old);
        was?.close?.();
      }
      this.changed();
    } catch {
      // Asked for again when it is next seen; who loads the page's data says if the server is gone.
      setTimeout(() => { if (version === this.version) this.tiles.delete(key); }, 1500);
    }
  }

  /** [R, G, B] of the pixel that covers an HR pixel; null outside, undefined while it loads. */
  value(x, y) {
    const column = Math.floor(x / this.factor);
    const row = Math.floor(y / this.factor);
    if (row < 0 || column < 0 || row >= this.rows || column >= this.columns) return null;
    if (!this.done(row, column)) return undefined;
    const bitmap = this.tile(0, Math.floor(row / TILE), Math.floor(column / TILE));
    if (!bitmap) return undefined;
    reader.drawImage(bitmap, column % TILE, row % TILE, 1, 1, 0, 0, 1, 1);
    return [...reader.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  }

  done(row, column) {
    if (this.whole) return true;
    return this.parts.some(([top, left, height, width]) => (
      row >= top && row < top + height && column >= left && column < left + width));
  }

  /**
   * Draw what a camera sees.
   *
   * @param context 2d context of a canvas of `width` x `height` device pixels.
   * @param x, y HR pixel in the middle (its corner: 0.5 is the middle of the first).
   * @param zoom Device pixels per HR pixel: an integer, or one over a power of two.
   */
  draw(context, { x, y, zoom }, width, height) {
    const scale = zoom * this.factor;
    const level = scale >= 1 ? 0 : Math.min(this.levels - 1, Math.floor(-Math.log2(scale) + 1e-6));
    const left = Math.round(width / 2 - x * zoom);
    const top = Math.round(height / 2 - y * zoom);
    context.save();
    context.beginPath();
    const parts = this.whole ? [[0, 0, this.rows, this.columns]] : this.parts;
    for (const [row, column, rows, columns] of parts) {
      context.rect(left + column * scale, top + row * scale, columns * scale, rows * scale);
    }
    context.clip();
    context.imageSmoothingEnabled = scale * 2 ** level < 1;
    const side = TILE * 2 ** level * scale;
    const first = [Math.max(0, Math.floor(-top / side)), Math.max(0, Math.floor(-left / side))];
    const rows = Math.ceil(this.rows / (TILE * 2 ** level));
    const columns = Math.ceil(this.columns / (TILE * 2 ** level));
    for (let row = first[0]; row < rows && top + row * side < height; row += 1) {
      for (let column = first[1]; column < columns && left + column * side < width; column += 1) {
        const place = [left + column * side, top + row * side];
        const bitmap = this.tile(level, row, column);
        const one = scale * 2 ** level;
        if (bitmap) context.drawImage(bitmap, ...place, bitmap.width * one, bitmap.height * one);
        else this.drawCoarse(context, level, row, column, place, side);
      }
    }
    context.restore();
  }

  /** Draw a tile that is on its way from a coarser one that is there. */
  drawCoarse(context, level, row, column, place, side) {
    for (let up = 1; level + up < this.levels; up += 1) {
      const bitmap = this.tiles.get(`${level + up}/${row >> up}/${column >> up}`);
      if (!bitmap) continue;
      const part = TILE / 2 ** up;
      const from = [(column % 2 ** up) * part, (row % 2 ** up) * part];
      context.drawImage(bitmap, ...from, part, part, ...place, side, side);
      return;
    }
  }
}
