// SPDX-License-Identifier: LGPL-2.1-or-later
// The player's buttons and keys: play, sound, quality, full screen. What somebody set they find again.
import {recall, remember} from './memory.js';
import {bitrate, rung_name} from './words.js';

const kIdleMs = 3000;  // in full screen the bar leaves after so long without a hand
const kSound = 'sound';
const kQuality = 'quality';

export class Controls {
  // `root` has the elements of watch.html; on_key(event) gets the others' keys and says
  // whether it was one of its own.
  constructor(root, video, player, {on_key}) {
    const element = (name) => root.querySelector(`#${name}`);
    this.root_ = root;
    this.video_ = video;
    this.player_ = player;
    this.play_ = element('play');
    this.mute_ = element('mute');
    this.volume_ = element('volume');
    this.quality_ = element('quality');
    this.fullscreen_ = element('fullscreen');
    this.on_key_ = on_key;
    this.idle_timer_ = 0;

    video.controls = false;
    element('controls').hidden = false;
    this.recall_();
    this.play_.addEventListener('click', () => this.toggle_play());
    this.mute_.addEventListener('click', () => this.set_sound(video.muted));
    this.volume_.addEventListener('input', () => {
      video.volume = Number(this.volume_.value);
      this.set_sound(video.volume > 0);
    });
    this.quality_.addEventListener('change', () => {
      remember(kQuality, this.quality_.value);
      player.choose(this.quality_.value);
    });
    this.fullscreen_.hidden = !root.requestFullscreen && !video.webkitEnterFullscreen;
    this.fullscreen_.addEventListener('click', () => this.toggle_fullscreen_());
    video.addEventListener('click', () => {
      if (matchMedia('(pointer: fine)').matches) this.toggle_play();
    });
    for (const name of ['play', 'pause', 'volumechange']) video.addEventListener(name, () => this.show());
    document.addEventListener('fullscreenchange', () => this.wake_());
    document.addEventListener('keydown', (event) => this.key_(event));
    for (const name of ['pointermove', 'pointerdown', 'focusin', 'keydown'])
      root.addEventListener(name, () => this.wake_());
    this.show();
  }

  recall_() {
    const sound = recall(kSound);
    if (sound?.volume >= 0 && sound.volume <= 1) this.video_.volume = sound.volume;
    this.video_.muted = !sound?.on;
    const choice = recall(kQuality);
    if (typeof choice === 'string') this.player_.choose(choice);
  }

  set_sound(on) {
    this.video_.muted = !on;
    if (on && this.video_.volume === 0) this.video_.volume = 0.5;
    remember(kSound, {on, volume: this.video_.volume});
  }

  toggle_play() {
    if (this.video_.paused)
      this.player_.start();
    else
      this.video_.pause();
  }

  toggle_fullscreen_() {
    if (document.fullscreenElement)
      document.exitFullscreen();
    else if (this.root_.requestFullscreen)
      this.root_.requestFullscreen().catch(() => {});
    else
      this.video_.webkitEnterFullscreen();
  }

  // Nowhere where a key means something else.
  key_(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const {target} = event;
    if (target.closest?.('input:not([type="range"]), select, textarea, a')) return;
    if (target.closest?.('button') && (event.key === ' ' || event.key === 'Enter')) return;
    const slides = target.matches?.('input') ?? false;
    const keys = {
      ' ': () => this.toggle_play(),
      k: () => this.toggle_play(),
      m: () => this.set_sound(this.video_.muted),
      f: () => this.toggle_fullscreen_(),
    };
    const act = keys[event.key];
    if (act) act();
    if (act || (!slides && this.on_key_(event))) event.preventDefault();
  }

  wake_() {
    this.root_.classList.remove('idle');
    clearTimeout(this.idle_timer_);
    if (document.fullscreenElement !== this.root_) return;
    this.idle_timer_ = setTimeout(() => {
      const busy = this.video_.paused || this.root_.querySelector('#controls :focus-visible');
      this.root_.classList.toggle('idle', !busy);
    }, kIdleMs);
  }

  show() {
    const {paused, muted, volume} = this.video_;
    const press = (button, name, on) => {
      button.setAttribute('aria-label', name);
      button.title = name;
      button.classList.toggle('on', on);
    };
    press(this.play_, paused ? 'Play' : 'Pause', !paused);
    press(this.mute_, muted || !volume ? 'Sound on' : 'Sound off', !muted && volume > 0);
    this.volume_.value = muted ? 0 : volume;
    this.volume_.style.setProperty('--done', `${this.volume_.value * 100}%`);
    this.show_qualities_();
  }

  show_qualities_() {
    const {rungs, audio, choice, playing} = this.player_.qualities();
    const now = choice === 'auto' && playing ? ` (now ${rung_name(playing)})` : '';
    const options = [
      {value: 'auto', text: `Auto${now}`},
      ...rungs.map((rung) => ({value: rung.choice, text: `${rung_name(rung)} · ${bitrate(rung.bps)}`})),
    ];
    if (audio) options.push({value: 'audio', text: `Audio only · ${bitrate(audio.bps)}`});
    const list = this.quality_;
    list.parentElement.hidden = rungs.length + (audio ? 1 : 0) < 2 && !(audio && !rungs.length);
    options.forEach(({value, text}, place) => {
      const option = list.options[place] ?? list.appendChild(new Option());
      if (option.value !== value) option.value = value;
      if (option.text !== text) option.text = text;
    });
    while (list.options.length > options.length) list.remove(options.length);
    if (list.value !== choice) list.value = choice;
  }
}
