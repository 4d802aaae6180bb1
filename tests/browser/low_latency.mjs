// SPDX-License-Identifier: LGPL-2.1-or-later
// node low_latency.mjs PAGE PLAYLIST
// Plays a playlist by hls.js in low-latency mode, in headless Chromium, and prints what it does as a JSON
// line four times a second; `at` is the page's own clock. The end of standard input ends this. PAGE is a
// page of the node that has hls.js.
import {createInterface} from 'node:readline';

import {open_browser, open_page} from './support/chromium.mjs';

const kPeriodMs = 250;
const [address, playlist] = process.argv.slice(2);

const browser = await open_browser();
const {page, errors} = await open_page(browser);
await page.goto(address);
await page.evaluate((url) => {
  const video = document.body.appendChild(document.createElement('video'));
  video.muted = true;
  const seen = {fatal: [], errors: [], parts: 0, blocking: 0, deltas: 0};
  const hls = new globalThis.Hls({lowLatencyMode: true, enableWorker: false, maxLiveSyncPlaybackRate: 1.2});
  hls.on(
      globalThis.Hls.Events.ERROR, (_, data) => (data.fatal ? seen.fatal : seen.errors).push(data.details));
  hls.on(globalThis.Hls.Events.FRAG_LOADED, (_, data) => (seen.parts += data.part ? 1 : 0));
  hls.on(globalThis.Hls.Events.LEVEL_LOADED, (_, data) => {
    seen.blocking += data.deliveryDirectives?.msn === undefined ? 0 : 1;
    seen.deltas += data.details.skippedSegments > 0 ? 1 : 0;
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  video.play().catch(() => {});
  globalThis.low_latency = () => ({
    ...seen,
    at: performance.now() / 1000,
    time: video.currentTime,
    decoded: video.getVideoPlaybackQuality().totalVideoFrames,
    latency: hls.latency,
    target: hls.targetLatency,
    glass: hls.playingDate ? (Date.now() - hls.playingDate.getTime()) / 1000 : null,
  });
}, playlist);

let over = false;
createInterface({input: process.stdin}).on('close', () => {
  over = true;
});
while (!over) {
  console.log(JSON.stringify({...await page.evaluate(() => globalThis.low_latency()), page_errors: errors}));
  await page.waitForTimeout(kPeriodMs);
}
await browser.close();
