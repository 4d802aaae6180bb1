// SPDX-License-Identifier: LGPL-2.1-or-later
// node formats.mjs PLAYER ADDRESS
// Plays a playlist or manifest in headless Chromium with hls.js, dash.js or Shaka, on a page that is not the
// node's, and prints playback as a JSON line four times a second, until standard input ends. A line there is
// the height of the picture that is wanted from then on.
import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {dirname, join} from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';

import {open_browser, open_page} from './support/chromium.mjs';

const kPeriodMs = 250;
const here = dirname(fileURLToPath(import.meta.url));
const kPlayers = {
  hls: join(here, '../../tools/origin/www/node_modules/hls.js/dist/hls.min.js'),
  dash: join(here, 'node_modules/dashjs/dist/legacy/umd/dash.all.min.js'),
  shaka: join(here, 'node_modules/shaka-player/dist/shaka-player.compiled.js'),
};
const kPage = `<!doctype html><meta charset="utf-8"><title>player</title>
<video muted autoplay playsinline width="640" height="360"></video><script src="/player.js"></script>`;

const [player, address] = process.argv.slice(2);
const server = createServer((request, response) => {
  const script = request.url === '/player.js';
  response.writeHead(200, {'Content-Type': script ? 'text/javascript' : 'text/html; charset=utf-8'});
  response.end(script ? readFileSync(kPlayers[player]) : kPage);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

// In the page. `problems` fills with what the player itself calls fatal.
function play([name, url]) {
  const video = document.querySelector('video');
  const problems = [];
  globalThis.problems = problems;
  if (name === 'hls') {
    const hls = new Hls();
    hls.on(Hls.Events.ERROR, (event, data) => data.fatal && problems.push(`${data.type}: ${data.details}`));
    hls.loadSource(url);
    hls.attachMedia(video);
    globalThis.tracks = () => ({
      levels: hls.levels.length,
      audio: hls.audioTracks.length,
      heights: hls.levels.map((level) => level.height)
    });
    globalThis.choose = (height) => {
      hls.nextLevel = hls.levels.findIndex((level) => level.height === height);
    };
  } else if (name === 'dash') {
    const dash = dashjs.MediaPlayer().create();
    dash.on(
        dashjs.MediaPlayer.events.ERROR,
        (event) => problems.push(`${event.error.code}: ${event.error.message}`));
    dash.initialize(video, url, true);
    globalThis.tracks = () => ({
      video: dash.getTracksFor('video').length,
      audio: dash.getTracksFor('audio').length,
      latency: dash.getCurrentLiveLatency(),
      heights: dash.getRepresentationsByType('video').map((one) => one.height)
    });
    globalThis.choose = (height) => {
      dash.updateSettings({streaming: {abr: {autoSwitchBitrate: {video: false}}}});
      const wanted = dash.getRepresentationsByType('video').find((one) => one.height === height);
      if (wanted) dash.setRepresentationForTypeById('video', wanted.id, true);
    };
  } else {
    shaka.polyfill.installAll();
    const one = new shaka.Player();
    one.addEventListener('error', (event) => {
      const {severity, code, data} = event.detail;
      if (severity !== shaka.util.Error.Severity.RECOVERABLE)
        problems.push(JSON.stringify({severity, code, data}));
    });
    one.attach(video)
        .then(() => one.load(url))
        .then(() => video.play())
        .catch((error) => problems.push(`${error.code ?? error}: ${error.data}`));
    globalThis.tracks = () => ({
      variants: one.getVariantTracks().length,
      live: one.isLive(),
      heights: one.getVariantTracks().map((track) => track.height)
    });
    globalThis.choose = (height) => {
      one.configure({abr: {enabled: false}});
      const wanted = one.getVariantTracks().find((track) => track.height === height);
      if (wanted) one.selectVariantTrack(wanted, true);
    };
  }
}

function playback() {
  const video = document.querySelector('video');
  const quality = video.getVideoPlaybackQuality();
  return {
    time: video.currentTime,
    ready: video.readyState,
    buffered: Array.from(
        {length: video.buffered.length}, (_, i) => [video.buffered.start(i), video.buffered.end(i)]),
    ended: video.ended,
    height: video.videoHeight,
    duration: Number.isFinite(video.duration) ? video.duration : null,
    seekable: video.seekable.length ?
        [video.seekable.start(0), video.seekable.end(video.seekable.length - 1)] :
        null,
    decoded: quality.totalVideoFrames,
    dropped: quality.droppedVideoFrames,
    audio_bytes: video.webkitAudioDecodedByteCount ?? 0,
    message: null,
    problems: globalThis.problems,
    tracks: globalThis.tracks(),
  };
}

const browser = await open_browser();
const {page, errors} = await open_page(browser);
await page.goto(`http://127.0.0.1:${server.address().port}/`);
await page.evaluate(play, [player, address]);

let over = false;
const orders = createInterface({input: process.stdin});
orders.on('line', (height) => page.evaluate((wanted) => globalThis.choose(wanted), Number(height)));
orders.on('close', () => {
  over = true;
});
while (!over) {
  console.log(JSON.stringify({...await page.evaluate(playback), errors}));
  await page.waitForTimeout(kPeriodMs);
}
await browser.close();
server.close();
