// SPDX-License-Identifier: LGPL-2.1-or-later
// node thumbnails.mjs ORIGIN STATION
// What dash.js and Shaka show above a seek bar, of a replay whose pictures have their segment's number in
// bars (tests/integration/dvr.py): the track of tiles of its manifest. Prints what was seen as a JSON line.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

import {open_browser, open_page} from './support/chromium.mjs';

const [origin, station] = process.argv.slice(2);
const kSegmentS = 2;
const kTimes = [1, 301, 1777, 3599, 6001];  // of the first Period, which begins with a sheet
const kPatienceMs = 60_000;
const here = dirname(fileURLToPath(import.meta.url));
const kPlayers = {
  dash: join(here, 'node_modules/dashjs/dist/legacy/umd/dash.all.min.js'),
  shaka: join(here, 'node_modules/shaka-player/dist/shaka-player.compiled.js'),
};
const kPage = '<!doctype html><meta charset="utf-8"><title>player</title><video muted playsinline></video>';

// In the page: globalThis.tile(time) is {url, x, y, width, height}, or null while there is none.
function load([name, url]) {
  const video = document.querySelector('video');
  globalThis.problems = [];
  if (name === 'dash') {
    const dash = dashjs.MediaPlayer().create();
    dash.on(dashjs.MediaPlayer.events.ERROR, ({error}) => globalThis.problems.push(error.message));
    // It has pictures of the Period that it plays.
    let sought = false;
    dash.on(dashjs.MediaPlayer.events.STREAM_INITIALIZED, () => {
      if (!sought) dash.seek(100);
      sought = true;
    });
    dash.initialize(video, url, false);
    globalThis.tile = (time) => new Promise((resolve) => dash.provideThumbnail(time, resolve));
    return;
  }
  shaka.polyfill.installAll();
  const one = new shaka.Player();
  one.attach(video).then(() => one.load(url)).catch((error) => globalThis.problems.push(String(error.code)));
  globalThis.tile = async (time) => {
    const [track] = one.getImageTracks();
    const found = track ? await one.getThumbnails(track.id, time) : null;
    return found && {
      url: found.uris[0],
      x: found.positionX,
      y: found.positionY,
      width: found.width,
      height: found.height
    };
  };
}

// The number in the bars of a tile.
async function number_of([{url, x, y, width, height}, bars]) {
  const image = Object.assign(new Image(), {crossOrigin: 'anonymous', src: url});
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), {width, height});
  const paint = canvas.getContext('2d');
  paint.drawImage(image, -x, -y);
  const line = paint.getImageData(0, height / 2, width, 1).data;
  let number = 0;
  for (let bar = 0; bar < bars; ++bar)
    if (line[Math.floor((bar + 0.5) * width / bars) * 4 + 1] > 128) number += 2 ** bar;
  return number;
}

// There is none as long as, or while, the player has no manifest to look at.
async function tile_at(page, time) {
  const deadline = Date.now() + kPatienceMs;
  for (;;) {
    const tile = await page.evaluate((at) => globalThis.tile(at).catch(() => null), time);
    if (tile?.url) return tile;
    const problems = await page.evaluate(() => globalThis.problems);
    assert.ok(Date.now() < deadline, `no tile for ${time}: ${problems}`);
    await page.waitForTimeout(100);
  }
}

const seen = {};
const server = createServer((request, response) => {
  response.writeHead(200, {'Content-Type': 'text/html; charset=utf-8'});
  response.end(kPage);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const browser = await open_browser();
try {
  for (const [name, script] of Object.entries(kPlayers)) {
    const {page, close} = await open_page(browser);
    page.setDefaultTimeout(kPatienceMs);
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.evaluate(readFileSync(script, 'utf8'));
    await page.evaluate(load, [name, `${origin}/dash/${station}/replay.mpd`]);
    seen[name] = [];
    for (const time of kTimes) {
      const tile = await tile_at(page, time);
      assert.match(tile.url, /\/pictures\/sheet-\d+\.jpg$/, `${name} at ${time}`);
      seen[name].push(await page.evaluate(number_of, [tile, 12]));
    }
    assert.deepEqual(await page.evaluate(() => globalThis.problems), []);
    const wanted = kTimes.map((time) => Math.floor(time / kSegmentS));
    assert.ok(
        seen[name].every((number, i) => Math.abs(number - wanted[i]) <= 1), `${seen[name]} for ${wanted}`);
    await close();
  }
} finally {
  console.log(JSON.stringify(seen));
  await browser.close();
  server.close();
}
