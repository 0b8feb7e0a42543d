// Keys decide what is on the screen. No DOM: node tests this file as it is.
//
// What is pressed while the next segment is on its way was meant for one that nobody has seen yet; it must not hit the one
// before, nor be kept for the next. What moves the picture or leads away is let through.

const HARMLESS = new Set(["queue", "help", "fit", "zoom_in", "zoom_out", "pan_left", "pan_right", "pan_up", "pan_down", "skeleton"]);
const MOVES = new Set(["Play", "Move", "Go", "View"]);

export class InputGate {
  constructor() {
    this.waiting = false;
    this.unseen = true;
    this.since = 0;
  }

  /** Another clip or segment was asked for, and is not here yet. */
  wait() {
    this.waiting = true;
  }

  /** Nothing is waited for any more: what is here stays. */
  stay() {
    this.waiting = false;
  }

  /** Another clip is here, and will be on the screen when `shown` is called. */
  arrived() {
    this.waiting = false;
    this.unseen = true;
  }

  /** What keys act on is on the screen since `at`, in the time of `performance.now()`. */
  shown(at) {
    if (!this.unseen) return;
    this.unseen = false;
    this.since = at;
  }

  /** Keys act on another segment of the same clip since `at`. */
  turned(at) {
    this.since = at;
  }

  /** Tell whether an act of the keymap that was asked for at a time means what is on the screen. */
  lets({ id, group }, at) {
    if (HARMLESS.has(id)) return true;
    if (this.waiting) return false;
    return MOVES.has(group) || (!this.unseen && at >= this.since);
  }
}
