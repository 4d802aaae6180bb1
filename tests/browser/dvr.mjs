// SPDX-License-Identifier: LGPL-2.1-or-later
// node dvr.mjs ORIGIN STATION SEGMENTS PICTURE
// A station that has streamed for two hours, in headless Chromium: the node's page with its seek bar, and
// hls.js by itself with delta updates and an I-frame player. What is seen is read from the pictures, which
// show their segment's number in bars (tests/integration/dvr.py). Prints what was seen as a JSON line.
import assert from 'node:assert/strict';

import {open_browser, open_page, plays_on, until} from './support/chromium.mjs';

const [origin, station, segments_text, screenshot] = process.argv.slice(2);
const kSegments = Number(segments_text);
const kSegmentS = 2;
const kHourS = 3600;
const kPatienceMs = 90_000;
const kSteps = 600;

// The number in the bars of an image, or of what is shown of it, or of a video; null while there is none.
function number_in(page, selector) {
  return page.evaluate((which) => {
    const kBars = 12;
    const shown = document.querySelector(which);
    const whole = [shown?.videoWidth ?? shown?.naturalWidth, shown?.videoHeight ?? shown?.naturalHeight];
    if (!whole[0] || shown.readyState < 2 || shown.complete === false) return null;
    const {objectFit, objectPosition} = getComputedStyle(shown);
    const tiled = objectFit === 'none';
    const [width, height] = tiled ? [shown.clientWidth, shown.clientHeight] : whole;
    const [left, top] = tiled ? objectPosition.split(' ').map((offset) => Number.parseFloat(offset)) : [0, 0];
    const canvas = Object.assign(document.createElement('canvas'), {width, height});
    const paint = canvas.getContext('2d', {willReadFrequently: true});
    paint.drawImage(shown, left, top);
    const line = paint.getImageData(0, height / 2, width, 1).data;
    let number = 0;
    for (let bar = 0; bar < kBars; ++bar) {
      const middle = Math.floor((bar + 0.5) * width / kBars);
      if (line[middle * 4 + 1] > 128) number += 2 ** bar;
    }
    return number;
  }, selector);
}

async function until_number(page, selector, what, wanted) {
  const deadline = Date.now() + kPatienceMs;
  let last = null;
  do {
    last = await number_in(page, selector);
    if (last !== null && wanted(last)) return last;
    await page.waitForTimeout(50);
  } while (Date.now() < deadline);
  throw new Error(`${what}: ${last} is shown`);
}

// The segment that is at a time of a playlist which the page's or the bare hls.js has.
const segment_at = (page, time) => page.evaluate((at) => {
  const details = globalThis.dvr?.levels[0].details ?? globalThis.headgate.player.details_();
  return details.fragments.findLast(({start}) => start <= at + 0.001).sn;
}, time);

// The page: thumbnails over two hours, and playing from an hour back.
async function watch_page(browser, seen) {
  const {page, errors, close} = await open_page(browser);
  page.setDefaultTimeout(kPatienceMs);
  await page.goto(`${origin}/watch/${station}`);
  await until(page, 'it plays', (now) => now.ready >= 3 && now.time > 0, kPatienceMs);
  const window = await page.evaluate(() => globalThis.headgate.player.window());
  seen.window_s = window.end - window.start;
  assert.ok(seen.window_s > kSegments * kSegmentS * 0.95, `the seek bar has ${seen.window_s} s`);
  const bar = await page.locator('#seek').boundingBox();
  seen.thumbnails = [];
  const asked = new Set();  // for pictures, while the bar is pointed at
  page.on('request', (request) => {
    if (/\/pictures\/[^/]*\.jpg$/.test(request.url())) asked.add(request.url().split('/').pop());
  });
  for (const share of [0.02, 0.25, 0.5, 0.75, 0.95]) {
    await page.mouse.move(bar.x + 8 + share * (bar.width - 16), bar.y + bar.height / 2);
    await page.locator('#preview').waitFor();
    await page.waitForFunction(() => {
      const image = document.querySelector('#preview img');
      return !image.hidden && image.complete && image.naturalWidth > 0;
    });
    // By the time that the preview is of: the window may have moved since.
    const wanted = await segment_at(page, await page.evaluate((at) => {
      const {start, end} = globalThis.headgate.player.window();
      return start + at * (end - start);
    }, share));
    seen.thumbnails.push(await until_number(
        page, '#preview img', `thumbnail of ${wanted}`, (now) => Math.abs(now - wanted) <= 15));
  }
  // From end to end in many small steps: each sheet once, and what is on none yet.
  for (let step = 0; step <= kSteps; ++step) {
    await page.mouse.move(bar.x + 8 + (step / kSteps) * (bar.width - 16), bar.y + bar.height / 2);
    await page.waitForTimeout(5);
  }
  seen.asked = asked.size;
  const sheets = [...asked].filter((name) => name.startsWith('sheet-'));
  assert.ok(sheets.length >= 20 && sheets.length <= kSegments / 25 + 2, `asked for ${sheets.length} sheets`);
  assert.ok(asked.size - sheets.length <= 25, `asked for ${asked.size - sheets.length} pictures`);
  if (screenshot) await page.screenshot({path: screenshot});
  await page.mouse.move(0, 0);
  const back = (await page.evaluate(() => globalThis.headgate.player.window().end)) - kHourS;
  const wanted = await segment_at(page, back);
  await page.evaluate((time) => globalThis.headgate.player.seek(time), back);
  seen.played_back = await until_number(
      page, 'video', `the picture of ${wanted}`, (now) => now >= wanted - 1 && now <= wanted + 30);
  await plays_on(page, 3, kPatienceMs);
  assert.deepEqual(errors, [], 'the page complained');
  await close();
}

// hls.js alone: delta updates of the long list, and I-frames by byte range.
async function watch_alone(browser, seen) {
  const {page, errors, close} = await open_page(browser);
  page.setDefaultTimeout(kPatienceMs);
  await page.goto(`${origin}/watch/999999`);
  const ranges = [];
  page.on('request', (request) => {
    const range = request.headers().range;
    if (range) ranges.push(`${new URL(request.url()).pathname.split('/').pop()} ${range}`);
  });
  await page.evaluate((url) => {
    const video = (name) => Object.assign(document.createElement('video'), {id: name, muted: true});
    document.body.append(video('whole'), video('frame'));
    const {Hls} = globalThis;
    const hls = new Hls({lowLatencyMode: true, enableWorker: false, capLevelToPlayerSize: false});
    const counts = {deltas: 0, skipped: 0, fatal: []};
    hls.on(Hls.Events.LEVEL_LOADED, (_, {details}) => {
      if (!details.skippedSegments) return;
      ++counts.deltas;
      counts.skipped = details.skippedSegments;
    });
    hls.on(Hls.Events.ERROR, (_, {fatal, details}) => fatal && counts.fatal.push(details));
    hls.loadSource(url);
    hls.attachMedia(document.getElementById('whole'));
    document.getElementById('whole').play().catch(() => {});
    Object.assign(globalThis, {dvr: hls, counts});
  }, `/hls/${station}/index.m3u8`);
  await page.waitForFunction(
      (least) => globalThis.counts.deltas > 3 && globalThis.counts.skipped > least, kSegments * 0.95);
  const {time, count} = await page.evaluate((back) => {
    const {fragments, edge} = globalThis.dvr.levels[0].details;
    const {start, duration} = fragments.findLast((one) => one.start <= edge - back);
    globalThis.frames = globalThis.dvr.createIFramePlayer();
    globalThis.frames.attachMedia(document.getElementById('frame'));
    return {time: start + duration / 2, count: fragments.length};  // of no two segments
  }, kHourS);
  seen.listed = count;
  assert.ok(count > kSegments * 0.95, `${count} segments are listed after delta updates`);
  seen.frames = [];
  // Forwards and backwards, as somebody does who drags.
  for (const seconds of [0, 600, -1200]) {
    const wanted = await segment_at(page, time + seconds);
    const before = ranges.length;
    await page.evaluate((at) => globalThis.frames.loadMediaAt(at), time + seconds);
    seen.frames.push(await until_number(page, '#frame', `the I-frame of ${wanted}`, (now) => now === wanted));
    assert.ok(
        ranges.slice(before).some((one) => one.startsWith(`${wanted}.m4s bytes=`)),
        `asked for ${ranges.slice(before).join(', ')}`);
  }
  Object.assign(seen, await page.evaluate(() => globalThis.counts));
  assert.deepEqual(seen.fatal, []);
  assert.deepEqual(errors, [], 'the page complained');
  await close();
}

const browser = await open_browser();
const seen = {};
try {
  await watch_page(browser, seen);
  await watch_alone(browser, seen);
} finally {
  console.log(JSON.stringify(seen));
  await browser.close();
}
