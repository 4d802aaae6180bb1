// SPDX-License-Identifier: LGPL-2.1-or-later
// Plays one HLS address into one video element and does not give up: whatever breaks is tried again with
// growing pauses until stop(). hls.js where the browser has Media Source Extensions, WebKit's own HLS on
// Apple's devices.
import {kLeastLatencyS, Positions} from './positions.js';
import {audio_of, chosen_rung, rungs_of, variants_in} from './qualities.js';
import {kRefillS, refill} from './refill.js';
import {may_be_chosen} from './retries.js';
import {hls_settings, remember_estimate, settings_of} from './tuning.js';

const kRetryFirstMs = 500;
const kRetryMostMs = 8000;
const kStallMs = 10000;  // no progress for this long although the picture should move: build it anew
const kCheckMs = 1000;
const kLatencySegments = 3;  // of their real length; the target duration is a promise and longer
const kLatencyStepS = 2;     // a smaller change of segment lengths is not worth a new aim
const kEndS = 0.5;           // a replay that stands still so near to its end has come to it

// WebKit knows AirPlay; the other engines that answer "maybe" for HLS play it worse than hls.js does.
export function engine(video) {
  const native = video.canPlayType('application/vnd.apple.mpegurl') !== '';
  if (native && 'webkitShowPlaybackTargetPicker' in HTMLMediaElement.prototype) return 'native';
  if (globalThis.Hls?.isSupported()) return 'hls.js';
  return native ? 'native' : null;
}

export class Player extends Positions {
  // on_trouble(trouble): 'loading' while nothing plays yet, 'missing' when the playlist is not there,
  // 'network', 'media', 'codec' when this browser cannot play what is sent, 'asleep' when it plays only for
  // somebody who asks; or null when it plays.
  constructor(video, {on_trouble, now_ms}) {
    super();
    this.video_ = video;
    this.on_trouble_ = on_trouble;
    this.now_ms_ = now_ms;
    this.engine_ = engine(video);
    this.address_ = null;
    this.live_ = true;
    this.choice_ = 'auto';
    this.rungs_ = [];
    this.audio_ = null;
    this.on_audio_ = false;  // what is loaded
    this.parts_ = false;
    this.return_to_ = null;
    this.expected_ = true;
    this.retry_ms_ = kRetryFirstMs;
    this.retry_timer_ = 0;
    this.progress_ms_ = 0;
    this.position_ = -1;
    this.rebuilds_ = 0;
    this.fatal_ = 0;
    video.addEventListener('playing', () => this.went_well_());
    video.addEventListener('error', () => {
      if (this.engine_ === 'native' && this.address_) this.again_('network');
    });
    globalThis.addEventListener('pagehide', () => this.keep_estimate_());
    refill(video, () => this.gathers_s_());
    setInterval(() => this.check_(), kCheckMs);
  }

  get engine() {
    return this.engine_;
  }
  get address() {
    return this.address_;
  }
  get rebuilds() {
    return this.rebuilds_;
  }
  // Errors that hls.js could not mend by itself.
  get fatal_errors() {
    return this.fatal_;
  }

  play(address, live) {
    if (this.address_ === address) return;
    this.stop();
    this.address_ = address;
    this.live_ = live;
    this.retry_ms_ = kRetryFirstMs;
    this.on_trouble_('loading');
    this.build_();
  }

  stop() {
    clearTimeout(this.retry_timer_);
    this.retry_timer_ = 0;
    this.address_ = null;
    this.rungs_ = [];
    this.audio_ = null;
    this.return_to_ = null;
    this.tear_down_();
  }

  // Whether media is due: a stream whose publisher is away may stand still for as long as it likes.
  expect(moving) {
    if (moving && !this.expected_) this.progress_ms_ = performance.now();
    this.expected_ = moving;
  }

  // What a person wants (qualities.js). What the stream does not have is as 'auto'.
  choose(choice) {
    this.choice_ = choice;
    if (!this.address_ || this.retry_timer_) return;
    if (this.wants_audio_() !== this.on_audio_) {
      this.return_to_ = this.at_edge() ? null : this.date_at(this.video_.currentTime);
      const paused = this.video_.paused && this.video_.readyState > 0;
      this.tear_down_();
      this.build_(paused);
    } else if (this.hls_ && !this.on_audio_) {
      const rung = chosen_rung(this.rungs_, choice);
      if (rung)
        this.hls_.nextLevel = rung.index;
      else
        this.hls_.loadLevel = -1;
    }
  }

  // What there is to choose, what is chosen of it, and the rung that is seen now (null: not known).
  qualities() {
    const rung = chosen_rung(this.rungs_, this.choice_);
    const choice = this.wants_audio_() ? 'audio' : rung?.choice ?? 'auto';
    const level = this.on_audio_ ? -1 : this.hls_?.currentLevel ?? -1;
    const playing = this.rungs_.find(({index}) => index === level) ?? null;
    return {rungs: this.rungs_, audio: this.audio_, choice, playing};
  }

  wants_audio_() {
    return this.choice_ === 'audio' && this.audio_ !== null;
  }

  keep_estimate_() {
    if (this.hls_ && this.video_.currentTime > 0 && !this.on_audio_)
      remember_estimate(this.hls_.bandwidthEstimate);
  }

  tear_down_() {
    this.keep_estimate_();
    this.hls_?.destroy();
    this.hls_ = null;
    if (this.video_.hasAttribute('src')) {
      this.video_.removeAttribute('src');
      this.video_.load();
    }
  }

  build_(paused = false) {
    this.progress_ms_ = performance.now();
    this.position_ = -1;
    this.parts_ = false;
    this.on_audio_ = this.wants_audio_();
    const address = this.on_audio_ ? this.audio_.address : this.address_;
    if (this.engine_ === 'native') {
      this.video_.src = address;
      this.read_variants_();
    } else if (this.engine_ === 'hls.js') {
      this.build_hls_(address);
    } else {
      return;
    }
    if (!paused) this.start();
  }

  // Sound is what browsers refuse first.
  async start() {
    try {
      await this.video_.play();
    } catch (error) {
      if (error.name !== 'NotAllowedError') return;
      if (this.video_.muted) {
        this.on_trouble_('asleep');
        return;
      }
      this.video_.muted = true;
      await this.start();
    }
  }

  // WebKit chooses among the rungs by itself and tells nothing of them.
  async read_variants_() {
    const address = this.address_;
    if (this.audio_ || this.on_audio_) return;
    // The player itself tells when the address does not answer.
    const answer = await fetch(address).catch(() => null);
    const text = answer?.ok ? await answer.text().catch(() => null) : null;
    if (text === null || this.address_ !== address) return;
    this.audio_ = audio_of(variants_in(text, answer.url));
    if (this.wants_audio_()) this.choose(this.choice_);
  }

  build_hls_(address) {
    const {Hls} = globalThis;
    const hls = new Hls(hls_settings(this.live_, () => this.hls_));
    this.hls_ = hls;
    let mended = 0;
    let aim = 0;
    hls.on(Hls.Events.MANIFEST_LOADED, (_, {levels}) => {
      if (!this.on_audio_) this.audio_ = audio_of(levels);
    });
    hls.on(Hls.Events.MANIFEST_PARSED, (_, {levels}) => {
      const from = this.live_ ? -1 : 0;
      if (this.on_audio_) return hls.startLoad(from);
      this.rungs_ = rungs_of(levels);
      // Not within hls.js's own event, which would go on with what is destroyed.
      if (this.wants_audio_()) return setTimeout(() => this.hls_ === hls && this.choose(this.choice_));
      const rung = chosen_rung(this.rungs_, this.choice_);
      if (rung) hls.loadLevel = rung.index;
      return hls.startLoad(from);
    });
    hls.on(Hls.Events.LEVEL_UPDATED, (_, {details}) => {
      this.parts_ = details.canBlockReload && details.partTarget > 0;
      Object.assign(hls.config, settings_of(this.parts_));
      this.go_back_();
      // A playlist that says how far from its end to stay is believed.
      if (!details.live || this.parts_ || details.holdBack > 0) return;
      const segment = details.averagetargetduration ?? details.targetduration;
      const latency = Math.max(kLeastLatencyS, kLatencySegments * segment);
      if (Math.abs(latency - aim) >= kLatencyStepS) hls.targetLatency = aim = latency;
    });
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (!data.fatal || this.hls_ !== hls) return;
      ++this.fatal_;
      if (data.details === Hls.ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR) return this.again_('codec');
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && mended++ < 2) return hls.recoverMediaError();
      const missing = data.response?.code === 404;
      this.again_(data.type === Hls.ErrorTypes.NETWORK_ERROR ? (missing ? 'missing' : 'network') : 'media');
    });
    hls.loadSource(address);
    hls.attachMedia(this.video_);
  }

  // To where the person was before the address changed: another player counts its time from elsewhere.
  go_back_() {
    if (this.return_to_ === null) return;
    const time = this.time_of(this.return_to_);
    this.return_to_ = null;
    if (time === null) return;
    const seek = () => {
      this.video_.currentTime = time;
    };
    if (this.video_.readyState > 0)
      seek();
    else
      this.video_.addEventListener('loadedmetadata', seek, {once: true});
  }

  again_(trouble) {
    if (this.retry_timer_) return;
    this.on_trouble_(trouble);
    const address = this.address_;
    this.retry_timer_ = setTimeout(() => {
      this.retry_timer_ = 0;
      if (this.address_ !== address) return;
      ++this.rebuilds_;
      this.audio_ = null;  // it may have gone: the multivariant playlist tells
      this.tear_down_();
      this.build_();
    }, this.retry_ms_ * (0.75 + Math.random() / 2));
    this.retry_ms_ = Math.min(this.retry_ms_ * 2, kRetryMostMs);
  }

  went_well_() {
    this.retry_ms_ = kRetryFirstMs;
    this.on_trouble_(null);
  }

  check_() {
    const now = performance.now();
    const position = this.video_.currentTime;
    if (position === this.position_) this.end_();
    this.choose_again_();
    const idle =
        !this.address_ || !this.expected_ || this.video_.paused || this.video_.ended || document.hidden;
    if (position !== this.position_ || idle) {
      this.position_ = position;
      this.progress_ms_ = now;
    } else if (now - this.progress_ms_ > kStallMs) {
      this.progress_ms_ = now;
      this.again_('network');
    }
  }

  // hls.js goes on by itself when a rung that a person chose gives nothing, and does not come back to it.
  choose_again_() {
    const rung = this.hls_?.autoLevelEnabled ? chosen_rung(this.rungs_, this.choice_) : null;
    const level = rung && this.hls_.levels[rung.index];
    if (level && may_be_chosen(level)) this.hls_.loadLevel = rung.index;
  }

  // hls.js 1.7 never ends what it has in several pieces less than its maxBufferHole apart: it looks for
  // another one from the beginning of the first. So are runs: hls.js lets each begin with the time when its
  // first picture is decoded, and B-frames delay when that is shown.
  end_() {
    const {currentTime, paused, seeking, ended} = this.video_;
    const details = this.details_();
    if (!details || details.live || paused || seeking || ended) return;
    if (currentTime >= details.edge - kEndS) this.hls_.trigger(globalThis.Hls.Events.BUFFER_EOS, {});
  }

  // With parts there is never as much as that: the aim is nearer to the edge.
  gathers_s_() {
    if (this.engine_ !== 'hls.js' || !this.live_ || !this.address_) return 0;
    return this.parts_ ? Math.min(kRefillS, (this.hls_?.targetLatency ?? 0) / 2) : kRefillS;
  }
}
