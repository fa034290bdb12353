// Several pictures seen by one camera: panels side by side, swiped, blinked, or their difference.

import { follow } from "/static/gestures.js";

const STEPS = [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32];
/** Device pixels that stand for one HR pixel at 1:1: whole ones, so that all are equally large. */
const DENSITY = Math.max(1, Math.floor(devicePixelRatio || 1));

/** How a zoom reads: 1:4, 1:1, 8:1. */
export const zoomWords = (zoom) => (zoom >= 1 ? `${zoom}:1` : `1:${1 / zoom}`);

/** The panels of a stage and the camera that they share. */
export class Viewer {
  /**
   * @param stage Element that the panels go into.
   * @param moved Called after the camera moved.
   * @param pointed Called with the HR pixel under the pointer, in the middle where there is none.
   */
  constructor(stage, { moved = () => {}, pointed = () => {} } = {}) {
    Object.assign(this, { stage, moved, pointed });
    this.camera = { x: 0, y: 0, zoom: 1 };
    this.size = [1, 1];
    this.panels = [];
    this.mode = "side";
    this.split = 0.5;
    this.shown = 0;
    this.gain = 4;
    this.pair = [0, 1];
    this.reference = null;
    this.pointer = null;
    follow(this);
    new ResizeObserver(() => this.draw()).observe(stage);
  }

  /**
   * Show pictures.
   *
   * @param panels [{title, picture}]; a picture of null is not there yet.
   * @param size [rows, columns] of HR.
   * @param reference HR's picture, for the error map.
   */
  show(panels, size, reference = null) {
    Object.assign(this, { panels, size, reference });
    this.arrange();
  }

  /** The frames on the stage: title, and how each draws itself. */
  frames() {
    const one = (index) => (context, ...place) => this.paint(context, this.panels[index], ...place);
    const title = (index) => this.panels[index]?.title ?? "";
    const [a, b] = this.pair;
    if (this.mode === "swipe") {
      return [{ title: `${title(a)} | ${title(b)}`, draw: (...at) => this.paintSwipe(...at) }];
    }
    if (this.mode === "blink") {
      const index = this.shown % Math.max(1, this.panels.length);
      return [{ title: title(index), index, draw: one(index) }];
    }
    if (this.mode === "difference") {
      const words = `128 + ${this.gain} × (${title(a)} − ${title(b)})`;
      return [{ title: words, draw: (...at) => this.paintDifference(...at) }];
    }
    const all = this.panels.map((panel, index) => ({ title: panel.title, index, draw: one(index) }));
    if (this.mode !== "error") return all;
    return all.filter(({ index }) => this.panels[index].what !== "hr").map(({ title: name, index }) => ({
      title: `${this.gain} × |${name} − HR|`,
      index,
      draw: (...at) => this.paintError(this.panels[index], ...at),
    }));
  }

  /** Make as many canvases as the mode needs. */
  arrange() {
    const frames = this.frames();
    const columns = frames.length <= 3 ? frames.length : frames.length === 4 ? 2 : 3;
    this.stage.style.setProperty("--columns", String(Math.max(1, columns)));
    this.stage.style.setProperty("--rows", String(Math.ceil(frames.length / Math.max(1, columns))));
    while (this.stage.children.length > frames.length) this.stage.lastChild.remove();
    while (this.stage.children.length < frames.length) {
      const figure = document.createElement("figure");
      figure.append(document.createElement("figcaption"), document.createElement("canvas"));
      figure.lastChild.setAttribute("role", "img");
      this.stage.append(figure);
    }
    this.stage.dataset.mode = this.mode;
    this.draw();
  }

  /** Draw everything at the browser's next frame. */
  draw() {
    if (this.planned) return;
    this.planned = requestAnimationFrame(() => {
      this.planned = null;
      this.drawNow();
    });
  }

  drawNow() {
    this.frames().forEach((frame, place) => {
      const figure = this.stage.children[place];
      if (!figure) return;
      const [caption, canvas] = figure.children;
      const note = this.panels[frame.index]?.note;
      const text = note && this.mode !== "difference" ? `${frame.title} · ${note}` : frame.title;
      if (caption.textContent !== text) {
        caption.textContent = text;
        caption.title = text;
        canvas.setAttribute("aria-label", text);
      }
      const width = Math.round(canvas.clientWidth * devicePixelRatio);
      const height = Math.round(canvas.clientHeight * devicePixelRatio);
      if (!width || !height) return;
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, width, height);
      frame.draw(context, width, height);
      this.paintPointer(context, width, height);
    });
  }

  device() {
    return { ...this.camera, zoom: this.camera.zoom * DENSITY };
  }

  paint(context, panel, width, height) {
    panel?.picture?.draw(context, this.device(), width, height);
  }

  paintSwipe(context, width, height) {
    const edge = Math.round(width * this.split);
    for (const [panel, left, right] of [[this.pair[0], 0, edge], [this.pair[1], edge, width]]) {
      context.save();
      context.beginPath();
      context.rect(left, 0, right - left, height);
      context.clip();
      this.paint(context, this.panels[panel], width, height);
      context.restore();
    }
    context.fillStyle = "#fff";
    context.fillRect(edge - 1, 0, 2, height);
    context.strokeStyle = "rgb(0 0 0 / .7)";
    context.strokeRect(edge - 1.5, -1, 3, height + 2);
  }

  /** The pixels of a panel as drawn, null while it is not whole. */
  pixels(panel, width, height) {
    if (!panel?.picture?.whole) return null;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    this.paint(context, panel, width, height);
    return context.getImageData(0, 0, width, height);
  }

  combine(context, one, other, width, height, value) {
    const a = this.pixels(one, width, height);
    const b = this.pixels(other, width, height);
    if (!a || !b) return;
    for (let i = 0; i < a.data.length; i += 4) {
      if (!a.data[i + 3] || !b.data[i + 3]) {
        a.data[i + 3] = 0;
        continue;
      }
      for (let c = i; c < i + 3; c += 1) a.data[c] = value(a.data[c] - b.data[c]);
    }
    context.putImageData(a, 0, 0);
  }

  paintDifference(context, width, height) {
    const [a, b] = this.pair.map((index) => this.panels[index]);
    this.combine(context, a, b, width, height, (d) => 128 + this.gain * d);
  }

  paintError(panel, context, width, height) {
    const hr = { picture: this.reference };
    this.combine(context, panel, hr, width, height, (d) => this.gain * Math.abs(d));
  }

  paintPointer(context, width, height) {
    const zoom = this.camera.zoom * DENSITY;
    if (!this.pointer || zoom < 4) return;
    const left = Math.round(width / 2 - this.camera.x * zoom) + this.pointer.x * zoom;
    const top = Math.round(height / 2 - this.camera.y * zoom) + this.pointer.y * zoom;
    context.strokeStyle = "#000";
    context.strokeRect(left - 0.5, top - 0.5, zoom + 1, zoom + 1);
    context.strokeStyle = "#fff";
    context.strokeRect(left - 1.5, top - 1.5, zoom + 3, zoom + 3);
  }

  /** HR pixels that one canvas shows: {x, y, width, height}, cut to the picture. */
  window() {
    const canvas = this.stage.querySelector("canvas");
    if (!canvas) return null;
    const zoom = this.camera.zoom * DENSITY;
    const [width, height] = [canvas.width / zoom, canvas.height / zoom];
    const x = Math.max(0, Math.floor(this.camera.x - width / 2));
    const y = Math.max(0, Math.floor(this.camera.y - height / 2));
    const right = Math.min(this.size[1], Math.ceil(this.camera.x + width / 2));
    const bottom = Math.min(this.size[0], Math.ceil(this.camera.y + height / 2));
    return { x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y) };
  }

  /** The HR pixel that is read: under the pointer, else in the middle. */
  point() {
    const { x, y } = this.pointer ?? { x: Math.floor(this.camera.x), y: Math.floor(this.camera.y) };
    return { x, y };
  }

  go(camera) {
    const hold = (value, most) => Math.min(Math.max(value, 0), most);
    const x = hold(camera.x ?? this.camera.x, this.size[1]);
    const y = hold(camera.y ?? this.camera.y, this.size[0]);
    this.camera = { x, y, zoom: camera.zoom ?? this.camera.zoom };
    this.draw();
    this.moved(this.camera);
    this.pointed(this.point());
  }

  /** The largest zoom, 1:1 at most, at which an area of HR pixels is seen whole. */
  fitting(rows, columns, most = 1) {
    const canvas = this.stage.querySelector("canvas");
    const wide = canvas ? canvas.clientWidth / columns : 1;
    const high = canvas ? canvas.clientHeight / rows : 1;
    const fits = STEPS.filter((step) => step <= Math.min(wide, high, most));
    return fits.at(-1) ?? STEPS[0];
  }

  fit() {
    const [rows, columns] = this.size;
    this.go({ x: columns / 2, y: rows / 2, zoom: this.fitting(rows, columns) });
  }

  /** Zoom by steps; the HR point under `at` stays where it is. */
  zoomBy(steps, at = null) {
    const { x, y, zoom } = this.camera;
    const place = Math.min(Math.max(STEPS.indexOf(zoom) + steps, 0), STEPS.length - 1);
    const next = STEPS[place];
    if (!at) return this.go({ zoom: next });
    return this.go({ x: at.x + (x - at.x) * (zoom / next), y: at.y + (y - at.y) * (zoom / next), zoom: next });
  }

  /** Move by parts of the window, whole pixels at least. */
  pan(right, down, far = false) {
    const step = Math.max(1, Math.round((far ? 256 : 32) / this.camera.zoom));
    this.go({ x: this.camera.x + right * step, y: this.camera.y + down * step });
  }

  /** Do what a key means; false if it means nothing here. */
  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (moves[event.key]) this.pan(...moves[event.key], event.shiftKey);
    else if (event.key === "+" || event.key === "=") this.zoomBy(1);
    else if (event.key === "-") this.zoomBy(-1);
    else if (event.key === "0") this.fit();
    else return false;
    return true;
  }

  /** Where an event lies in HR pixels, not rounded. */
  place(event, canvas) {
    const box = canvas.getBoundingClientRect();
    const zoom = this.camera.zoom * (DENSITY / devicePixelRatio);
    return {
      x: this.camera.x + (event.clientX - box.left - box.width / 2) / zoom,
      y: this.camera.y + (event.clientY - box.top - box.height / 2) / zoom,
    };
  }

  /** Move with the pointer, in CSS pixels. */
  drag(right, down) {
    const zoom = this.camera.zoom * (DENSITY / devicePixelRatio);
    this.go({ x: this.camera.x - right / zoom, y: this.camera.y - down / zoom });
  }

  /** Put the edge between two swiped pictures: 0 is left, 1 right. */
  swipe(share) {
    this.split = Math.min(Math.max(share, 0), 1);
    this.stage.dispatchEvent(new Event("swiped"));
    this.draw();
  }

  /** Read another HR pixel; null is the one in the middle. */
  pointAt(pixel) {
    this.pointer = pixel;
    this.draw();
    this.pointed(this.point());
  }
}
