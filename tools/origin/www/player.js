// SPDX-License-Identifier: LGPL-2.1-or-later
// Plays one HLS address into one video element and does not give up: whatever breaks is tried again with
// growing pauses until stop(). hls.js where the browser has Media Source Extensions, WebKit's own HLS on
// Apple's devices.

const kRetryFirstMs = 500;
const kRetryMostMs = 8000;
const kStallMs = 10000;  // no progress for this long although the picture should move: build it anew
const kCheckMs = 1000;
const kLatencySegments = 3;  // of their real length; the target duration is a promise and longer
const kLeastLatencyS = 3;
const kLatencyStepS = 2;         // a smaller change of segment lengths is not worth a new aim
const kMostPlaybackRate = 1.05;  // how fast to catch up: not heard
const kRefillS = 3;  // after running dry, so much is gathered before going on: one stop instead of many
const kRefillMostMs = 8000;
const kRefillCheckMs = 200;
const kBehindS = 12;  // further behind than the aim by this much offers "back to live"

// Whatever the answer was: a node that restarts refuses connections, answers 404 or 503 for a moment.
function keep_trying(tries) {
  return {
    maxNumRetry: tries,
    retryDelayMs: kRetryFirstMs,
    maxRetryDelayMs: kRetryMostMs,
    backoff: 'exponential',
    shouldRetry: (policy, count) => count < policy.maxNumRetry,
  };
}

function load_policy(tries, time_to_first_byte_ms, time_ms) {
  return {
    default: {
      maxTimeToFirstByteMs: time_to_first_byte_ms,
      maxLoadTimeMs: time_ms,
      timeoutRetry: keep_trying(tries),
      errorRetry: keep_trying(tries),
    },
  };
}

function hls_settings(live) {
  return {
    enableWorker: false,  // the segments are fMP4 already: nothing to transmux that a worker would pay for
    lowLatencyMode: false,
    maxBufferLength: 30,
    backBufferLength: live ? 60 : 120,
    startPosition: live ? -1 : 0,
    liveSyncDurationCount: kLatencySegments,
    maxLiveSyncPlaybackRate: live ? kMostPlaybackRate : 1,
    manifestLoadPolicy: load_policy(4, 5000, 10000),
    playlistLoadPolicy: load_policy(6, 5000, 10000),
    fragLoadPolicy: load_policy(6, 8000, 30000),
  };
}

// WebKit knows AirPlay; the other engines that answer "maybe" for HLS play it worse than hls.js does.
export function engine(video) {
  const native = video.canPlayType('application/vnd.apple.mpegurl') !== '';
  if (native && 'webkitShowPlaybackTargetPicker' in HTMLMediaElement.prototype) return 'native';
  if (globalThis.Hls?.isSupported()) return 'hls.js';
  return native ? 'native' : null;
}

export class Player {
  // on_trouble(trouble): 'loading' while nothing plays yet, 'missing' when the playlist is not there,
  // 'network', 'media', or null when it plays.
  constructor(video, {on_trouble, now_ms}) {
    this.video_ = video;
    this.on_trouble_ = on_trouble;
    this.now_ms_ = now_ms;
    this.engine_ = engine(video);
    this.address_ = null;
    this.live_ = true;
    this.expected_ = true;
    this.retry_ms_ = kRetryFirstMs;
    this.retry_timer_ = 0;
    this.refill_timer_ = 0;
    this.progress_ms_ = 0;
    this.position_ = -1;
    this.rebuilds_ = 0;
    this.fatal_ = 0;
    video.addEventListener('playing', () => this.went_well_());
    video.addEventListener('waiting', () => this.refill_());
    video.addEventListener('error', () => {
      if (this.engine_ === 'native' && this.address_) this.again_('network');
    });
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
    this.tear_down_();
  }

  // Whether media is due: a stream whose publisher is away may stand still for as long as it likes.
  expect(moving) {
    if (moving && !this.expected_) this.progress_ms_ = performance.now();
    this.expected_ = moving;
  }

  tear_down_() {
    this.hls_?.destroy();
    this.hls_ = null;
    if (this.video_.hasAttribute('src')) {
      this.video_.removeAttribute('src');
      this.video_.load();
    }
  }

  build_() {
    this.progress_ms_ = performance.now();
    this.position_ = -1;
    if (this.engine_ === 'native') {
      this.video_.src = this.address_;
    } else if (this.engine_ === 'hls.js') {
      this.build_hls_();
    } else {
      return;
    }
    // Refused when the person has not allowed it: the controls are there.
    this.video_.play().catch(() => {});
  }

  build_hls_() {
    const {Hls} = globalThis;
    const hls = new Hls(hls_settings(this.live_));
    this.hls_ = hls;
    let mended = 0;
    let aim = 0;
    hls.on(Hls.Events.LEVEL_UPDATED, (_, {details}) => {
      if (!details.live) return;
      const segment = details.averagetargetduration ?? details.targetduration;
      const latency = Math.max(kLeastLatencyS, kLatencySegments * segment);
      if (Math.abs(latency - aim) >= kLatencyStepS) hls.targetLatency = aim = latency;
    });
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (!data.fatal || this.hls_ !== hls) return;
      ++this.fatal_;
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && mended++ < 2) {
        hls.recoverMediaError();
        return;
      }
      const missing = data.response?.code === 404;
      this.again_(data.type === Hls.ErrorTypes.NETWORK_ERROR ? (missing ? 'missing' : 'network') : 'media');
    });
    hls.loadSource(this.address_);
    hls.attachMedia(this.video_);
  }

  again_(trouble) {
    if (this.retry_timer_) return;
    this.on_trouble_(trouble);
    const address = this.address_;
    this.retry_timer_ = setTimeout(() => {
      this.retry_timer_ = 0;
      if (this.address_ !== address) return;
      ++this.rebuilds_;
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

  // At a live edge the buffer that ran dry would run dry again with every segment.
  refill_() {
    if (this.engine_ !== 'hls.js' || !this.live_ || this.refill_timer_) return;
    let first = 0;  // when there was anything to go on with
    this.video_.playbackRate = 0;
    this.refill_timer_ = setInterval(() => {
      // Beyond a hole counts too: hls.js steps over holes, but not while nothing moves.
      const {buffered, currentTime} = this.video_;
      const ahead = buffered.length ? buffered.end(buffered.length - 1) - currentTime : 0;
      if (ahead > 0) first ||= performance.now();
      const long_enough = first && performance.now() - first > kRefillMostMs;
      if (ahead < kRefillS && !long_enough && this.address_) return;
      clearInterval(this.refill_timer_);
      this.refill_timer_ = 0;
      this.video_.playbackRate = 1;
    }, kRefillCheckMs);
  }

  // Seconds between what happened at the station and what is seen, by the playlist's dates; null when
  // unknown.
  latency_s() {
    let date = null;
    if (this.hls_) {
      date = this.hls_.playingDate?.getTime() ?? null;
    } else if (this.engine_ === 'native' && this.video_.getStartDate) {
      date = this.video_.getStartDate().getTime() + this.video_.currentTime * 1000;
    }
    return date === null || Number.isNaN(date) ? null : (this.now_ms_() - date) / 1000;
  }

  buffered_s() {
    const {buffered, currentTime} = this.video_;
    for (let i = 0; i < buffered.length; ++i) {
      if (buffered.start(i) <= currentTime + 0.1 && currentTime <= buffered.end(i))
        return buffered.end(i) - currentTime;
    }
    return 0;
  }

  live_edge_() {
    if (this.hls_) return this.hls_.liveSyncPosition;
    const {seekable} = this.video_;
    return seekable.length ? seekable.end(seekable.length - 1) - kLeastLatencyS : null;
  }

  behind() {
    const edge = this.live_ ? this.live_edge_() : null;
    return edge !== null && edge - this.video_.currentTime > kBehindS;
  }

  to_live() {
    const edge = this.live_edge_();
    if (edge !== null) this.video_.currentTime = edge;
    this.video_.play().catch(() => {});
  }
}
