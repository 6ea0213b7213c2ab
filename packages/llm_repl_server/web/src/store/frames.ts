/** Frames in which what comes by itself is drawn: one in which a key was pressed is left to what it does. */

/** So many frames one after the other are left to keys. */
const MOST_LEFT = 3;

export class Frames {
  readonly #draw: () => boolean;
  #frame = 0;
  #left = 0;
  #hasKey = false;
  readonly #onKey = () => void (this.#hasKey = true);

  /** @param draw Draws, and gives whether there is more to draw. */
  constructor(draw: () => boolean) {
    this.#draw = draw;
    addEventListener("keydown", this.#onKey, { capture: true, passive: true });
  }

  /** Draw with the next frame; at once where there are none, as nobody looks. */
  request(): void {
    if (document.hidden) {
      cancelAnimationFrame(this.#frame);
      this.#frame = 0;
      while (this.#draw());
    } else this.#frame ||= requestAnimationFrame(() => this.#take());
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    removeEventListener("keydown", this.#onKey, { capture: true });
  }

  #take(): void {
    this.#frame = 0;
    const isLeft = this.#hasKey && this.#left < MOST_LEFT;
    this.#hasKey = false;
    this.#left = isLeft ? this.#left + 1 : 0;
    if (isLeft || this.#draw()) this.request();
  }
}
