// SPDX-License-Identifier: LGPL-2.1-or-later
// At a live edge a buffer that ran dry would run dry again with every segment: some is gathered before it
// goes on, one stop instead of many.
export const kRefillS = 3;

const kMostMs = 8000;
const kCheckMs = 200;

// `gathers_s`: how much, whenever it is asked; 0: the video goes on by itself.
export function refill(video, gathers_s) {
  let timer = 0;
  video.addEventListener('waiting', () => {
    if (timer || gathers_s() === 0) return;
    let first = 0;  // when there was anything to go on with
    video.playbackRate = 0;
    timer = setInterval(() => {
      // Beyond a hole counts too: hls.js steps over holes, but not while nothing moves.
      const {buffered, currentTime} = video;
      const ahead = buffered.length ? buffered.end(buffered.length - 1) - currentTime : 0;
      if (ahead > 0) first ||= performance.now();
      const long_enough = first && performance.now() - first > kMostMs;
      if (ahead < gathers_s() && !long_enough) return;
      clearInterval(timer);
      timer = 0;
      video.playbackRate = 1;
    }, kCheckMs);
  });
}
