// SPDX-License-Identifier: LGPL-2.1-or-later
// The node's streams, kept up to date: server-sent events, and polling for as long as those do not come
// (docs/api.md).

const kPollMs = 3000;
const kQuietMs = 40000;  // the node says something every 15 s; longer silence is a dead connection
const kReopenMs = 5000;

export class Streams {
  // on_change(streams: Map by station), whenever something did; on_reachable(boolean).
  constructor({on_change, on_reachable}) {
    this.on_change_ = on_change;
    this.on_reachable_ = on_reachable;
    this.streams_ = new Map();
    this.clock_offset_ms_ = 0;
    this.reachable_ = null;
    this.heard_ms_ = 0;
    this.reopen_timer_ = 0;
    this.poll_timer_ = 0;
    this.open_();
    // Timers rest while a phone sleeps: look again when the page is seen again.
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.check_();
    });
    setInterval(() => this.check_(), kPollMs);
  }

  // The node's clock, as well as we know it.
  now_ms() {
    return Date.now() + this.clock_offset_ms_;
  }

  open_() {
    clearTimeout(this.reopen_timer_);
    this.reopen_timer_ = 0;
    this.source_?.close();
    this.heard_ms_ = Date.now();
    const source = new EventSource('/api/v1/events');
    this.source_ = source;
    const take = (name, handle) => source.addEventListener(name, (event) => {
      this.heard_ms_ = Date.now();
      this.set_reachable_(true);
      handle(JSON.parse(event.data));
    });
    source.addEventListener('open', () => {
      this.heard_ms_ = Date.now();
    });
    take('streams', (list) => this.take_list_(list));
    take('stream', (stream) => {
      this.streams_.set(stream.station, stream);
      this.on_change_(this.streams_);
    });
    source.addEventListener('error', () => {
      // The browser tries again by itself unless the answer was not an event stream.
      if (source.readyState === EventSource.CLOSED) this.reopen_later_();
      this.poll_();
    });
  }

  reopen_later_() {
    if (!this.reopen_timer_) this.reopen_timer_ = setTimeout(() => this.open_(), kReopenMs);
  }

  connected_() {
    return this.source_.readyState === EventSource.OPEN && Date.now() - this.heard_ms_ < kQuietMs;
  }

  check_() {
    if (this.connected_()) return;
    this.poll_();
    // Comment lines are not events: after a quiet while the answer to the poll tells more than the
    // connection.
    if (Date.now() - this.heard_ms_ >= kQuietMs) this.open_();
  }

  async poll_() {
    if (this.polling_) return;
    this.polling_ = true;
    try {
      const answer =
          await fetch('/api/v1/streams', {cache: 'no-store', signal: AbortSignal.timeout(kPollMs)});
      if (!answer.ok) throw new Error(`${answer.status}`);
      this.take_list_(await answer.json());
      this.set_reachable_(true);
    } catch {
      this.set_reachable_(false);
    } finally {
      this.polling_ = false;
    }
  }

  take_list_(list) {
    const now = Date.parse(list.now_utc ?? '');
    if (!Number.isNaN(now)) this.clock_offset_ms_ = now - Date.now();
    this.streams_ = new Map(list.streams.map((stream) => [stream.station, stream]));
    this.on_change_(this.streams_);
  }

  set_reachable_(reachable) {
    if (this.reachable_ === reachable) return;
    this.reachable_ = reachable;
    this.on_reachable_(reachable);
  }
}
