// SPDX-License-Identifier: LGPL-2.1-or-later
// Debian's Chromium, headless, without a word to the outside; pages that collect their own errors.
import {existsSync} from 'node:fs';
import {chromium} from 'playwright-core';

const kArguments = [
  '--no-sandbox',  // tests run as root in containers
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

export function chromium_path() {
  const path = process.env.HEADGATE_CHROMIUM ?? '/usr/bin/chromium';
  return existsSync(path) ? path : null;
}

export async function open_browser() {
  const path = chromium_path();
  if (!path) throw new Error('no Chromium: install it or set HEADGATE_CHROMIUM');
  return chromium.launch({executablePath: path, headless: true, args: kArguments});
}

// A fresh page; `errors` fills with what its console and its scripts complain about, except failed loads:
// those are what the page is there to survive.
export async function open_page(browser, options = {}) {
  const context = await browser.newContext({viewport: {width: 1280, height: 800}, ...options});
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(`script: ${error.stack}`));
  page.on('console', (line) => {
    if (line.type() === 'error' && !line.text().startsWith('Failed to load resource')) {
      errors.push(`console: ${line.text()}`);
    }
  });
  return {page, errors, close: () => context.close()};
}

// What the video element has done so far.
export function playback(page) {
  return page.evaluate(() => {
    const video = document.querySelector('video');
    const quality = video.getVideoPlaybackQuality();
    return {
      time: video.currentTime,
      ready: video.readyState,
      paused: video.paused,
      ended: video.ended,
      width: video.videoWidth,
      decoded: quality.totalVideoFrames,
      dropped: quality.droppedVideoFrames,
      audio_bytes: video.webkitAudioDecodedByteCount ?? 0,
      buffered: globalThis.headgate.player.buffered_s(),
      rebuilds: globalThis.headgate.player.rebuilds,
      fatal_errors: globalThis.headgate.player.fatal_errors,
      ...globalThis.headgate.state(),
    };
  });
}

// Asks until `test` of the playback holds; the last answer is in the error otherwise.
export async function until(page, what, test, within_ms = 20000) {
  const deadline = Date.now() + within_ms;
  let last;
  do {
    last = await playback(page);
    if (test(last)) return last;
    await page.waitForTimeout(100);
  } while (Date.now() < deadline);
  throw new Error(`not within ${within_ms / 1000} s: ${what}; last seen ${JSON.stringify(last)}`);
}

// Waits until `seconds` were really shown: jumps do not count, pictures must have been decoded.
const kJumpS = 1;
export async function plays_on(page, seconds, within_ms = 20000 + seconds * 1000) {
  let shown = 0;
  let before = null;
  let decoded = null;
  return until(page, `${seconds} s more played`, (now) => {
    const step = before === null ? 0 : now.time - before;
    if (step > 0 && step < kJumpS) {
      shown += step;
      decoded ??= now.decoded;
    }
    before = now.time;
    return shown >= seconds && now.decoded > decoded;
  }, within_ms);
}
