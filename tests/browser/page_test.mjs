// SPDX-License-Identifier: LGPL-2.1-or-later
// The two pages against a fake node: every state of a stream and of the node, on a desktop and on a phone.
import assert from 'node:assert/strict';
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {after, afterEach, before, beforeEach, test} from 'node:test';

import {open_browser, open_page, playback, plays_on, until} from './support/chromium.mjs';
import {Clip} from './support/clip.mjs';
import {FakeNode} from './support/fake_node.mjs';

const kPhone = {
  viewport: {width: 360, height: 740},
  isMobile: true,
  hasTouch: true,
  deviceScaleFactor: 2
};
const artefacts = process.env.HEADGATE_ARTEFACTS;
let clip, browser, node, base, pages;

before(async () => {
  if (artefacts) mkdirSync(artefacts, {recursive: true});
  clip = new Clip();
  browser = await open_browser();
});
after(async () => browser?.close());
beforeEach(async () => {
  node = new FakeNode(clip);
  base = await node.start();
  pages = [];
});
afterEach(async () => {
  const errors = pages.flatMap((one) => one.errors);
  await Promise.all(pages.map((one) => one.close()));
  await node.stop();
  assert.deepEqual(errors, [], 'the page complained');
});

async function open(path, options) {
  const opened = await open_page(browser, options);
  pages.push(opened);
  await opened.page.goto(base + path);
  return opened.page;
}

async function keep(page, name) {
  if (artefacts) await page.screenshot({path: join(artefacts, `${name}.png`)});
}

const titles = (page) => page.locator('.card .title').allTextContents();

async function told(page, text) {
  await page.locator('#message_text', {hasText: text}).waitFor({state: 'visible', timeout: 20000});
}

test('an empty node says how to publish', async () => {
  const page = await open('/');
  await page.getByRole('heading', {name: 'No stream yet'}).waitFor();
  assert.match(await page.locator('#empty').innerText(), /headgate ticket issue/);
  assert.equal(await page.locator('.card').count(), 0);
  await keep(page, 'list-empty');
});

test('the list follows the node', async () => {
  node.set(12, {state: 'ended', duration_s: 7384});
  node.set(3, {state: 'live', kbps: 1512, gaps: 1, sessions: 2});
  const page = await open('/');
  await page.locator('.card').nth(1).waitFor();
  assert.deepEqual(await titles(page), ['Station 3', 'Station 12']);
  const card = page.locator('.card').first();
  assert.match(await card.innerText(), /Live[^]*1,512 kbit\/s[^]*480×270, 15 fps[^]*1 gap, 1 reconnect/);
  assert.equal(await page.locator('#summary').innerText(), '1 live stream of 2');

  node.set(12, {state: 'live', kbps: 800});
  node.set(12, {kbps: 900});
  await card.locator('..').getByText('900 kbit/s').waitFor();
  node.set(3, {state: 'waiting', kbps: null});
  await page.getByText('Waiting').waitFor();
  assert.deepEqual(await titles(page), ['Station 12', 'Station 3']);
  await keep(page, 'list-desktop');

  await page.locator('#filter').fill(' 1');
  assert.deepEqual(await titles(page), ['Station 12']);
  await page.locator('.card a').click();
  await page.waitForURL('**/watch/12');
});

test('the list draws a part of thousands and finds the others', async () => {
  for (let station = 1; station <= 3000; ++station) node.set(station, {state: 'live', kbps: 1000});
  const page = await open('/');
  await page.getByText('2,800 more streams').waitFor();
  assert.equal(await page.locator('.card').count(), 200);
  await page.locator('#filter').fill('2999');
  await page.getByText('Station 2999').waitFor();
  assert.equal(await page.locator('.card').count(), 1);
});

test('without server-sent events the list polls', async () => {
  node.events = false;
  const page = await open('/');
  await page.getByRole('heading', {name: 'No stream yet'}).waitFor();
  node.set(5, {state: 'live'});
  await page.getByText('Station 5').waitFor();
});

test('the list says when the node is gone and goes on when it is back', async () => {
  node.set(5, {state: 'live'});
  const page = await open('/');
  await page.getByText('Station 5').waitFor();
  await node.stop();
  await page.getByText('The node does not answer').waitFor();
  node.set(6, {state: 'live'});
  await node.start();
  await page.getByText('Station 6').waitFor();
  await page.getByText('The node does not answer').waitFor({state: 'hidden'});
});

test('a live stream plays near its edge', async () => {
  node.set(7, {state: 'live', kbps: 400});
  const page = await open('/watch/7');
  await until(page, 'the picture is there', (now) => now.time > 0 && now.decoded > 0 && now.trouble === null);
  const end = await plays_on(page, 6);
  assert.equal(end.width, 480);
  assert.equal(end.message, null);
  assert.equal(end.rebuilds, 0);
  assert.ok(end.audio_bytes > 0, 'no sound was decoded');
  const latency = Number.parseFloat(await page.locator('[data-fact="latency"] dd').innerText());
  assert.ok(latency > 2 && latency < 10, `${latency} s behind live`);
  assert.match(await page.locator('#facts').innerText(), /Buffered[^]*400 kbit\/s[^]*480×270/);
  await keep(page, 'watch-desktop');
  await page.getByRole('button', {name: 'Turn sound on'}).click();
  assert.equal(await page.evaluate(() => document.querySelector('video').muted), false);
});

test('a connection that is too slow is told', async () => {
  node.set(9, {state: 'live'});
  const page = await open('/watch/9');
  const uplink = page.locator('[data-fact="uplink"]');
  await page.getByText('Live').first().waitFor();
  assert.equal(await uplink.isVisible(), false);
  const video = {kind: 'video', stalled: false, late: true, lateness: 12.4e9};
  const audio = {kind: 'audio', stalled: false, late: false, lateness: 4e9};
  node.set(9, {health: {stalled: false, late: true, streams: [video, audio]}});
  await page.getByText('too slow, 12 s late').waitFor();
  node.set(9, {
    health:
        {stalled: true, late: true, streams: [video, {...audio, stalled: true, late: true, lateness: 30e9}]}
  });
  await page.getByText('no sound comes, too slow, 12 s late').waitFor();
  node.set(9, {health: {stalled: true, late: false, streams: [{...video, stalled: true}, {...audio}]}});
  await page.getByText('no picture comes').waitFor();
  node.set(
      9,
      {health: {stalled: true, late: true, streams: [{...video, stalled: true}, {...audio, stalled: true}]}});
  await page.getByText('nothing comes').waitFor();
  node.set(9, {health: {stalled: false, late: false, streams: [{lateness: 1e8}]}});
  await uplink.waitFor({state: 'hidden'});
  const link = page.locator('[data-fact="link"]');
  assert.equal(await link.isVisible(), false);
  const srt = {'rtt-us': 83400, 'lost-share': 0.0123, 'dropped-share': 0.0004};
  node.set(9, {health: {stalled: false, late: false, streams: [], srt}});
  await page.getByText('83 ms there and back, 1.2 % sent again, < 0.1 % lost for good').waitFor();
  node.set(9, {health: {streams: [], srt: {'rtt-us': 400, 'lost-share': 0, 'dropped-share': 0}}});
  await page.getByText('1 ms there and back, nothing lost').waitFor();
  node.set(9, {health: {streams: []}});
  await link.waitFor({state: 'hidden'});
});

test('a stream that is not there yet starts by itself', async () => {
  const page = await open('/watch/8');
  await told(page, 'Station 8 has not streamed yet');
  node.set(8, {state: 'live'});
  await plays_on(page, 1);
  await page.locator('#message').waitFor({state: 'hidden'});
});

test('the picture goes on when the publisher comes back', async () => {
  node.set(9, {state: 'live'});
  const page = await open('/watch/9');
  await plays_on(page, 2);
  node.set(9, {state: 'waiting', kbps: null});
  await told(page, 'The publisher is away');
  await until(page, 'the buffer is empty', (now) => now.ready < 3);
  await keep(page, 'watch-waiting');
  node.set(9, {state: 'live', sessions: 2, gaps: 1});
  const end = await plays_on(page, 5);
  assert.equal(end.message, null);
  assert.match(await page.locator('[data-fact="history"]').innerText(), /1 gap, 1 reconnect/);
});

test('the picture goes on when the node was away for longer than the buffer', async () => {
  node.set(10, {state: 'live'});
  const page = await open('/watch/10');
  await plays_on(page, 2);
  await node.stop();
  await told(page, 'The node does not answer');
  await until(page, 'the buffer is empty', (now) => now.ready < 3);
  await node.start();
  const end = await plays_on(page, 4);
  assert.equal(end.message, null);
});

test('an ended stream says so, offers the replay, and plays again when it comes back', async () => {
  node.set(11, {state: 'live'});
  const page = await open('/watch/11');
  await plays_on(page, 1);
  node.set(11, {state: 'ended', kbps: null});
  await told(page, 'This stream has ended.');
  await page.getByRole('link', {name: 'Watch it from the start'}).click();
  await page.waitForURL('**/watch/11?replay');
  const replay = await until(page, 'the replay plays', (now) => now.time > 1 && now.decoded > 0);
  assert.ok(replay.time < 10, `the replay began at ${replay.time} s`);

  const again = await open('/watch/11');
  await told(again, 'This stream has ended.');
  assert.equal((await playback(again)).ready, 0);
  node.set(11, {state: 'live'});
  await plays_on(again, 2);
});

test('without hls.js the page says what is missing', async () => {
  node.player = false;
  node.set(13, {state: 'live'});
  const {page, errors, close} = await open_page(browser);
  // Chromium may play HLS by itself; the sentence is for browsers that do not.
  await page.addInitScript(() => {
    HTMLMediaElement.prototype.canPlayType = () => '';
  });
  await page.goto(`${base}/watch/13`);
  await told(page, 'tools/setup');
  const own = errors.filter((line) => !line.includes('hls.min.js'));
  await close();
  assert.deepEqual(own, []);
});

for (const scheme of ['light', 'dark']) {
  test(`both pages fit a phone, ${scheme}`, async () => {
    node.set(4294967295, {state: 'live', kbps: 1512, gaps: 2, sessions: 3});
    for (const [path, ready] of [
             ['/', '.card'], ['/watch/4294967295', '[data-fact="latency"]:not([hidden])']]) {
      const page = await open(path, {...kPhone, colorScheme: scheme});
      await page.locator(ready).waitFor({timeout: 20000});
      const [wide, window_wide] =
          await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= window_wide, `${path} is ${wide} px wide in a window of ${window_wide}`);
      await keep(page, `${path === '/' ? 'list' : 'watch'}-phone-${scheme}`);
    }
  });
}

test('everything can be reached by keyboard and has a name', async () => {
  node.set(15, {state: 'live'});
  node.set(16, {state: 'live'});
  const page = await open('/');
  await page.locator('.card').nth(1).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'filter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/watch/15');
  await plays_on(page, 1);
  const nameless = await page.evaluate(
      () => [...document.querySelectorAll('a, button, input, video')]
                .filter(
                    (one) => !one.hidden && !one.textContent.trim() && !one.ariaLabel && !one.labels?.length)
                .map((one) => one.outerHTML));
  assert.deepEqual(nameless, []);
});
