// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a player is and may go: in its video's time, by the station's clock, against the live edge.
export const kLeastLatencyS = 3;

const kBehindS = 6;       // further behind than the aim by this much is not live
const kBehindPartsS = 2;  // the same where the playlist has parts

// What of a Player (player.js) asks its engine. It has video_, engine_, hls_ (null without hls.js), address_
// (null: it plays nothing), live_, parts_ (the playlist has some), now_ms_ and start().
export class Positions {
  details_() {
    return this.hls_?.latestLevelDetails ?? null;
  }

  // The wall clock at the station, ms, of a time of the video; null when unknown.
  date_at(time) {
    let date = null;
    if (this.hls_) {
      const segment = this.details_()?.fragments.findLast(({start}) => start <= time + 0.001);
      if (segment?.programDateTime) date = segment.programDateTime + (time - segment.start) * 1000;
    } else if (this.engine_ === 'native' && this.video_.getStartDate) {
      date = this.video_.getStartDate().getTime() + time * 1000;
    }
    return Number.isNaN(date) ? null : date;
  }

  time_of(date) {
    const segment = this.details_()?.fragments.findLast(({programDateTime}) => programDateTime <= date);
    return segment ? segment.start + Math.min((date - segment.programDateTime) / 1000, segment.duration) :
                     null;
  }

  // Seconds between what happened at the station and what is seen, by the playlist's dates; null when
  // unknown.
  latency_s() {
    const date = this.hls_ ? this.hls_.playingDate?.getTime() ?? null : this.date_at(this.video_.currentTime);
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

  // What can be seeked to, in the video's time: up to where live playing aims. Null: nothing yet.
  window() {
    if (this.hls_) {
      const details = this.details_();
      if (!details?.fragments.length) return null;
      const start = details.fragments[0].start;
      const end = this.live_ && details.live ? this.hls_.liveSyncPosition ?? details.edge : details.edge;
      return {start, end: Math.max(start, end)};
    }
    const {seekable} = this.video_;
    if (this.engine_ !== 'native' || !seekable.length) return null;
    const [start, end] = [seekable.start(0), seekable.end(seekable.length - 1)];
    return {start, end: Math.max(start, this.live_ ? end - kLeastLatencyS : end)};
  }

  // Behind where live playing aims, in seconds; null when there is no such place.
  behind_s() {
    const seekable = this.live_ && this.address_ ? this.window() : null;
    return seekable && Math.max(0, seekable.end - this.video_.currentTime);
  }

  at_edge() {
    const behind = this.behind_s();
    return behind !== null && behind <= (this.parts_ ? kBehindPartsS : kBehindS);
  }

  seek(time) {
    const seekable = this.window();
    if (seekable) this.video_.currentTime = Math.min(Math.max(time, seekable.start), seekable.end);
  }

  to_live() {
    this.seek(Infinity);
    this.start();
  }
}
