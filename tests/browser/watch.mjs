// SPDX-License-Identifier: LGPL-2.1-or-later
// node watch.mjs ADDRESS SECONDS PICTURE
// Opens a player page in headless Chromium for so long and tells whether the picture really moved: the
// video's time, its decoded frames, its stalls, and the clock that tools/phone burns into the black strip
// above the picture.
import {open_browser, open_page, playback, until} from './support/chromium.mjs';

const kStartMs = 45000;  // for the publisher to connect and three segments to be there
const kBufferedS = 0.5;  // a stream with parts is played from near its edge
const kSampleMs = 1000;  // of the clock
const kMostLateS = 3;    // of the seconds watched, what may be missing from the video's time
const kLeastFps = 20;    // decoded; what tools/phone sends is 30
const kStallMs = 1500;   // standing still for longer is a stall

const [address, seconds_text, picture] = process.argv.slice(2);
const seconds = Number(seconds_text);

// The strip with the clock as light and dark, 96 × 16 cells: compression does not change those.
function read_clock(page) {
  return page.evaluate(() => {
    const video = document.querySelector('video');
    const canvas = Object.assign(document.createElement('canvas'), {width: 96, height: 16});
    const paint = canvas.getContext('2d', {willReadFrequently: true});
    paint.drawImage(video, 0, 0, video.videoWidth * 0.4, video.videoHeight * 0.18, 0, 0, 96, 16);
    const pixels = paint.getImageData(0, 0, 96, 16).data;
    let cells = '';
    for (let i = 0; i < pixels.length; i += 4) cells += pixels[i + 1] > 128 ? '1' : '0';
    return cells;
  });
}

const browser = await open_browser();
const problems = [];
try {
  const {page, errors} = await open_page(browser);
  await page.goto(address);
  // A viewer of a stream's very first seconds has to wait for the next ones; that is not what is watched
  // here.
  const plays = (now) => now.ready >= 3 && now.time > 0 && now.buffered > kBufferedS && !now.paused;
  await until(page, 'the picture starts', plays, kStartMs);

  const began = Date.now();
  const start = await playback(page);
  const clocks = new Set();
  let [last, moved, next_clock, longest] = [start.time, began, began, 0];
  while (Date.now() - began < seconds * 1000) {
    const now = await playback(page);
    if (now.time !== last) [last, moved] = [now.time, Date.now()];
    longest = Math.max(longest, Date.now() - moved);
    if (Date.now() >= next_clock) {
      clocks.add(await read_clock(page));
      next_clock += kSampleMs;
    }
    await page.waitForTimeout(100);
  }
  const end = await playback(page);
  if (picture) await page.screenshot({path: picture});

  const took = (Date.now() - began) / 1000;
  const played = end.time - start.time;
  const decoded = end.decoded - start.decoded;
  const latency = await page.evaluate(() => globalThis.headgate.player.latency_s());
  const least_decoded = Math.floor(played * kLeastFps);
  console.log(
      `watched ${took.toFixed(1)} s: played ${played.toFixed(1)} s, ${decoded} frames decoded, ${
          end.dropped - start.dropped} dropped, ` +
      `${clocks.size} different clocks, longest stand ${longest} ms, ${
          latency?.toFixed(1) ?? '?'} s behind live`);
  if (played < seconds - kMostLateS) problems.push(`only ${played.toFixed(1)} s of ${seconds} s were played`);
  if (decoded < least_decoded)
    problems.push(`only ${decoded} frames were decoded, at least ${least_decoded} were due`);
  if (longest > kStallMs) problems.push(`the picture stood still for ${longest} ms`);
  if (clocks.size < Math.floor(seconds) - kMostLateS)
    problems.push(`the clock changed only ${clocks.size} times`);
  if (end.audio_bytes <= start.audio_bytes) problems.push('no sound was decoded');
  if (end.rebuilds !== start.rebuilds) problems.push('the player had to begin again');
  problems.push(...errors);
} catch (error) {
  problems.push(error.message);
} finally {
  await browser.close();
}
for (const problem of problems) console.error(`not good: ${problem}`);
process.exit(problems.length ? 1 : 0);
