// SPDX-License-Identifier: LGPL-2.1-or-later
// The seek bar over what can be seeked to: the live window, or the whole replay. A range input, so that
// keyboards and screen readers know it; what is pointed at, dragged to or stepped to is shown before it is
// loaded.
import {kColumns, kRows} from './pictures.js';
import {clock_time, position} from './words.js';

const kStepS = 5;
const kLeapS = 30;
const kKeys = {
  ArrowLeft: -kStepS,
  ArrowRight: kStepS,
  PageDown: -kLeapS,
  PageUp: kLeapS,
  Home: -Infinity,
  End: Infinity,
};
const kLeastWindowS = 1;  // less is nothing to seek in
const kThumbPx = 16;      // style.css has the same
const kShownMs = 1500;    // after a key

export class SeekBar {
  constructor({input, preview, player, pictures}) {
    this.input_ = input;
    this.preview_ = preview;
    this.image_ = preview.querySelector('img');
    this.text_ = preview.querySelector('span');
    this.player_ = player;
    this.pictures_ = pictures;
    this.live_ = true;
    this.dragging_ = false;
    this.shown_s_ = null;  // the time of the video that the preview is of
    this.hide_timer_ = 0;
    this.tile_ = null;            // its place, when the image is a sheet
    this.no_sheets_ = new Set();  // addresses that did not answer
    this.image_.addEventListener('load', () => this.crop_());
    this.image_.addEventListener('error', () => {
      this.image_.hidden = true;
      if (this.tile_ !== null) this.no_sheets_.add(this.image_.src);
    });
    input.addEventListener('pointermove', (event) => this.point_(event));
    input.addEventListener('pointerleave', () => {
      if (!this.dragging_) this.hide_();
    });
    input.addEventListener('input', () => {
      this.dragging_ = true;
      this.show_at_(Number(input.value));
    });
    input.addEventListener('change', () => {
      this.dragging_ = false;
      this.player_.seek(Number(input.value));
      this.hide_later_();
    });
    input.addEventListener('keydown', (event) => {
      if (this.key(event)) event.preventDefault();
    });
    input.addEventListener('blur', () => this.hide_());
  }

  // As the player is now.
  show(live, time) {
    this.live_ = live;
    const seekable = this.player_.window();
    const usable = seekable !== null && seekable.end - seekable.start >= kLeastWindowS;
    this.input_.disabled = !usable;
    if (!usable || this.dragging_) return;
    this.input_.min = seekable.start;
    this.input_.max = seekable.end;
    this.input_.value = time;
    const done = (time - seekable.start) / (seekable.end - seekable.start);
    this.input_.style.setProperty('--done', `${Math.min(Math.max(done, 0), 1) * 100}%`);
    this.input_.setAttribute('aria-valuetext', this.words_(time, seekable));
  }

  words_(time, seekable) {
    const date = this.player_.date_at(time);
    const at = position(time - (this.live_ ? seekable.end : seekable.start));
    return date === null ? at : `${at}, ${clock_time(date)}`;
  }

  // Seeks by so many seconds from where the last such step led to.
  step(seconds) {
    const seekable = this.player_.window();
    if (!seekable || this.input_.disabled) return;
    const from = this.hide_timer_ ? this.shown_s_ : Number(this.input_.value);
    const time = Math.min(Math.max(from + seconds, seekable.start), seekable.end);
    this.player_.seek(time);
    this.show_at_(time);
    this.hide_later_();
  }

  // Whether it was a key of this bar; it has done its work then.
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const seconds = kKeys[event.key];
    if (seconds === undefined) return false;
    this.step(seconds);
    return true;
  }

  point_(event) {
    const {left, width} = this.input_.getBoundingClientRect();
    const share = (event.clientX - left - kThumbPx / 2) / (width - kThumbPx);
    const [min, max] = [Number(this.input_.min), Number(this.input_.max)];
    clearTimeout(this.hide_timer_);
    this.hide_timer_ = 0;
    if (!this.dragging_) this.show_at_(min + Math.min(Math.max(share, 0), 1) * (max - min));
  }

  show_at_(time) {
    const seekable = this.player_.window();
    if (!seekable || this.input_.disabled) return;
    this.shown_s_ = time;
    this.text_.textContent = this.words_(time, seekable);
    const more = () => this.shown_s_ !== null && this.show_at_(this.shown_s_);
    const picture = this.pictures_.at(this.player_.date_at(time), more);
    if (picture) this.show_picture_(picture);
    if (this.image_.src) this.image_.hidden = !picture;
    this.preview_.hidden = false;
    const bar = this.input_.getBoundingClientRect();
    const share = (time - seekable.start) / Math.max(seekable.end - seekable.start, 1e-3);
    const half = this.preview_.offsetWidth / 2;
    const middle = kThumbPx / 2 + share * (bar.width - kThumbPx);
    this.preview_.style.left =
        `${Math.min(Math.max(middle, half), Math.max(bar.width - half, half)) - half}px`;
  }

  show_picture_({address, sheet}) {
    const tiled = sheet !== null && !this.no_sheets_.has(sheet.address);
    const wanted = tiled ? sheet.address : address;
    this.tile_ = tiled ? sheet.place : null;
    if (this.image_.src !== wanted) this.image_.src = wanted;
    if (this.image_.complete) this.crop_();
  }

  // Of a sheet that is loaded its tile is shown, as large as it is.
  crop_() {
    const {style, naturalWidth, naturalHeight} = this.image_;
    const [width, height] = [naturalWidth / kColumns, naturalHeight / kRows];
    const tiled = this.tile_ !== null && width > 0;
    this.image_.classList.toggle('tile', tiled);
    style.width = tiled ? `${width}px` : '';
    style.height = tiled ? `${height}px` : '';
    style.objectPosition = tiled ?
        `${- (this.tile_ % kColumns) * width}px ${- Math.floor(this.tile_ / kColumns) * height}px` :
        '';
  }

  hide_later_() {
    clearTimeout(this.hide_timer_);
    this.hide_timer_ = setTimeout(() => this.hide_(), kShownMs);
  }

  hide_() {
    clearTimeout(this.hide_timer_);
    this.hide_timer_ = 0;
    this.shown_s_ = null;
    this.preview_.hidden = true;
  }
}
