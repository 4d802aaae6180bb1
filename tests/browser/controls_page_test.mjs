// SPDX-License-Identifier: LGPL-2.1-or-later
// The page against a fake node with a ladder: live edge, seek bar with pictures, keys, volume, list.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {pictures_in} from '../../tools/origin/www/pictures.js';

import {open_page, plays_on, until} from './support/chromium.mjs';
import {base, browser, choose, keep, kStation, ladder, node, open, options_of, shows} from './support/ladder_page.mjs';

// The time of the video where the seek bar is pointed at, from 0 to 1.
async function point_at(page, share) {
  const bar = await page.locator('#seek').boundingBox();
  await page.mouse.move(bar.x + 8 + share * (bar.width - 16), bar.y + bar.height / 2);
  await page.locator('#preview').waitFor();
  return page.evaluate((at) => {
    const {start, end} = globalThis.headgate.player.window();
    return start + at * (end - start);
  }, share);
}

// The picture in the preview: its number, and that of the segment that the video has at that time.
async function picture_for(page, time) {
  await page.waitForFunction(() => {
    const image = document.querySelector('#preview img');
    return !image.hidden && image.complete && image.naturalWidth > 0 && image.clientWidth === 160;
  });
  const [address, position, date] = await page.evaluate((at) => {
    const image = document.querySelector('#preview img');
    return [image.src, getComputedStyle(image).objectPosition, globalThis.headgate.player.date_at(at)];
  }, time);
  const [, sheet, number] = address.match(/\/pictures\/(sheet-)?(\d+)\.jpg$/);
  const [left, top] = position.split(' ').map((offset) => -Number.parseFloat(offset));
  return {
    shown: sheet ? Number(number) * 25 + left / 160 + top / 90 * 5 : Number(number),
    wanted: node.segment_at(kStation, date),
    tiled: Boolean(sheet),
  };
}

test('pictures are tiles once their sheet is there', () => {
  const text = (map, first, last) =>
      Array
          .from(
              {length: last - first},
              (_, i) => `#EXT-X-PROGRAM-DATE-TIME:${
                  new Date(2000 * (first + i)).toISOString()}\n#EXTINF:2.0,\n${first + i}.m4s`)
          .join('\n')
          .replace(/^/, `#EXT-X-MAP:URI="${map}"\n`);
  const base = 'http://node/hls/5/pictures/media.m3u8';
  const sheets = (list) =>
      pictures_in(list, base).map(({sheet}) => sheet && `${sheet.address.split('/').pop()} ${sheet.place}`);
  assert.deepEqual(sheets(text('a', 20, 25)).slice(-2), ['sheet-0.jpg 23', 'sheet-0.jpg 24']);
  assert.deepEqual(sheets(text('a', 20, 24)), [null, null, null, null]);
  const two = sheets(text('a', 48, 52));
  assert.deepEqual(two, ['sheet-1.jpg 23', 'sheet-1.jpg 24', null, null]);
  // Those of another size than the last one have no tile.
  const mixed = sheets(`${text('a', 20, 23)}\n${text('b', 23, 26)}`);
  assert.deepEqual(mixed, [null, null, null, 'sheet-0.jpg 23', 'sheet-0.jpg 24', null]);
});

test('the live button says how far it is and leads back', async () => {
  const page = await open();
  await plays_on(page, 2);
  const button = page.locator('#to_live');
  await button.getByText('Live', {exact: true}).waitFor();
  assert.match(await button.innerText(), /^Live\s+\d+\.\d s$/);
  await page.locator('#seek').press('Home');
  await button.getByText('Go live').waitFor();
  assert.match(await button.innerText(), /^Go live\s+\d+ s behind$/);
  const far = await page.evaluate(() => globalThis.headgate.player.behind_s());
  assert.ok(far > 10, `${far} s behind after going to the start`);
  await button.click();
  await button.getByText('Live', {exact: true}).waitFor();
  assert.ok(await page.evaluate(() => globalThis.headgate.player.behind_s()) < 6);
  await plays_on(page, 2);
});

test('the seek bar shows the picture of where it is pointed at', async () => {
  const page = await open();
  await plays_on(page, 2);
  const seen = [];
  for (const share of [0.1, 0.5, 0.9]) {
    const {shown, wanted} = await picture_for(page, await point_at(page, share));
    assert.ok(Math.abs(shown - wanted) <= 1, `picture ${shown} for a time in segment ${wanted}`);
    seen.push(shown);
  }
  assert.ok(seen[0] < seen[1] && seen[1] < seen[2], `pictures ${seen}`);
  assert.match(await page.locator('#preview span').innerText(), /^−0:0\d, \d\d:\d\d:\d\d$/);
  await keep(page, 'ladder-seek');
  await page.mouse.move(10, 10);
  await page.locator('#preview').waitFor({state: 'hidden'});
});

test('a drag seeks when it is let go', async () => {
  const page = await open();
  await plays_on(page, 2);
  await point_at(page, 0.95);
  await page.mouse.down();
  const to = await point_at(page, 0.3);
  const during = await page.evaluate(() => document.querySelector('video').currentTime);
  assert.ok(during > to + 3, 'it moved before it was let go');
  await picture_for(page, to);
  await page.mouse.up();
  const now = await until(page, 'it plays there', (one) => Math.abs(one.time - to) < 4 && one.ready > 2);
  assert.equal(now.message, null);
});

test('without a list of pictures the bar shows the time', async () => {
  node.set(kStation, {pictures: null});
  const page = await open();
  await plays_on(page, 2);
  await point_at(page, 0.5);
  assert.match(await page.locator('#preview span').innerText(), /^−0:\d\d, /);
  assert.equal(await page.locator('#preview img').isVisible(), false);
});

test('a replay has its whole length in the bar, and pictures', async () => {
  const page = await open(`/watch/${kStation}?replay`);
  const {time} = await until(page, 'the replay plays', (now) => now.time > 1 && now.decoded > 0);
  assert.ok(time < 8, `it began at ${time} s`);
  const {shown, wanted} = await picture_for(page, await point_at(page, 0.5));
  assert.ok(Math.abs(shown - wanted) <= 1, `picture ${shown} for a time in segment ${wanted}`);
  assert.match(await page.locator('#time').innerText(), /^0:0\d \/ 0:\d\d · \d\d:\d\d:\d\d$/);
  assert.equal(await page.locator('#to_live').isVisible(), false);
});

test('all of it by keyboard', async () => {
  const page = await open();
  await plays_on(page, 2);
  const focused = () => page.evaluate(() => document.activeElement.id);
  const tab_to = async (id) => {
    for (let i = 0; i < 20 && await focused() !== id; ++i) await page.keyboard.press('Tab');
    assert.equal(await focused(), id, `${id} is not reached`);
  };
  const time = () => page.evaluate(() => document.querySelector('video').currentTime);
  await tab_to('seek');
  const before = await time();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  const stepped = before - await time();
  assert.ok(stepped > 6 && stepped < 12, `two steps are ${stepped} s`);
  const {shown, wanted} = await picture_for(page, await time());
  assert.ok(Math.abs(shown - wanted) <= 1, `picture ${shown} for a time in segment ${wanted}`);
  assert.match(await page.locator('#seek').getAttribute('aria-valuetext'), /^−0:\d\d, \d\d:\d\d:\d\d$/);
  await page.keyboard.press('End');
  await page.locator('#to_live').getByText('Live', {exact: true}).waitFor();

  await tab_to('play');
  await page.keyboard.press('Space');
  await page.getByRole('button', {name: 'Play', exact: true}).waitFor();
  assert.ok(await page.evaluate(() => document.querySelector('video').paused));
  await page.keyboard.press('k');
  await page.getByRole('button', {name: 'Pause'}).waitFor();
  await page.keyboard.press('m');
  await page.getByRole('button', {name: 'Sound off'}).waitFor();
  await tab_to('quality');
  await page.keyboard.press('End');
  assert.equal(await page.locator('#quality').inputValue(), 'audio');
  await page.keyboard.press('ArrowUp');
  await shows(page, 180);
  await tab_to('fullscreen');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.fullscreenElement?.id === 'stage');
  await keep(page, 'ladder-fullscreen');
});

test('the list shows the newest picture of each stream that has one', async () => {
  node.set(8, {state: 'live', poster: null});
  node.set(9, {state: 'ended', poster: '/hls/99/poster.jpg'});
  const page = await open('/');
  await page.waitForFunction(() => document.querySelector('.card .poster').naturalWidth === 160);
  const seen = await page.locator('.card').evaluateAll(
      (cards) =>
          cards.map((card) => [card.dataset.station, card.querySelector('.poster').checkVisibility()]));
  assert.deepEqual(seen, [['7', true], ['8', false], ['9', false]]);
  await keep(page, 'list-posters');
});

test('the volume is found again', async () => {
  const page = await open();
  await plays_on(page, 1);
  await page.locator('#volume').fill('0.3');
  assert.equal(await page.evaluate(() => document.querySelector('video').muted), false);
  await page.reload();
  await plays_on(page, 1);
  const [volume, muted] = await page.evaluate(
      () => [document.querySelector('video').volume, document.querySelector('video').muted]);
  assert.equal(volume, 0.3);
  assert.equal(muted, false);
  assert.equal(await page.locator('#unmute').isVisible(), false);
});

test('a codec that this browser does not have is named', async () => {
  ladder.index = () =>
      '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="dvh1.05.06",RESOLUTION=480x270\nmedia.m3u8\n';
  try {
    node.set(kStation, {codecs: 'dvh1.05.06'});
    const page = await open();
    await page.locator('#message_text', {hasText: 'cannot play dvh1.05.06'}).waitFor({timeout: 20000});
  } finally {
    delete ladder.index;
  }
});

test('where the browser plays HLS by itself there is sound alone to choose, too', async () => {
  const {page, errors, close} = await open_page(browser);
  await page.addInitScript(() => {
    HTMLMediaElement.prototype.webkitShowPlaybackTargetPicker = () => {};
  });
  await page.goto(base + `/watch/${kStation}`);
  assert.equal(await page.evaluate(() => globalThis.headgate.player.engine), 'native');
  await page.getByRole('option', {name: 'Audio only'}).waitFor({state: 'attached'});
  assert.deepEqual(await options_of(page), ['Auto', 'Audio only · 70 kbit/s']);
  await until(page, 'it plays', (now) => now.time > 1 && now.width > 0);
  await choose(page, 'Audio only · 70 kbit/s');
  await until(page, 'there is sound alone', (now) => now.width === 0 && now.time > 1);
  await close();
  assert.deepEqual(errors, []);
});

test('the controls fit a phone and a thumb', async () => {
  const page = await open(undefined, {
    viewport: {width: 360, height: 740},
    isMobile: true,
    hasTouch: true,
    deviceScaleFactor: 2,
  });
  await plays_on(page, 1);
  const [wide, window_wide] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= window_wide, `${wide} px wide in a window of ${window_wide}`);
  const small = await page.evaluate(
      () => [...document.querySelectorAll('#controls button, #controls select')]
                .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 38)
                .map((one) => one.id));
  assert.deepEqual(small, []);
  await keep(page, 'ladder-phone');
});
