// SPDX-License-Identifier: LGPL-2.1-or-later
// The page against a fake node with a ladder: which rung is seen, by choice or by itself.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {open_page, plays_on, until} from './support/chromium.mjs';
import {kRungs} from './support/ladder.mjs';
import {browser, choose, keep, kStation, node, open, open_in, options_of, requested, shows} from './support/ladder_page.mjs';

test('the menu has what the playlist has, and what plays', async () => {
  const page = await open();
  await plays_on(page, 2);
  await shows(page, 480);
  await page.getByRole('option', {name: 'Auto (now 480p)'}).waitFor({state: 'attached'});
  assert.deepEqual(await options_of(page), [
    'Auto (now 480p)', '480p · 1.7 Mbit/s', '270p · 620 kbit/s', '180p · 235 kbit/s', 'Audio only · 70 kbit/s'
  ]);
  assert.equal(await page.getByLabel('Quality').count(), 1);
  await keep(page, 'ladder-desktop');
});

test('a chosen rung is what is seen, and found again', async () => {
  const page = await open();
  await plays_on(page, 2);
  for (const [name, lines] of [
           ['180p · 235 kbit/s', 180], ['480p · 1.7 Mbit/s', 480], ['270p · 620 kbit/s', 270]]) {
    await choose(page, name);
    await shows(page, lines);
    assert.equal((await plays_on(page, 1)).rebuilds, 0);
  }
  await page.reload();
  await shows(page, 270);
  await page.waitForFunction(() => document.querySelector('#quality').value === '270@620400');
});

test('audio only plays without asking for pictures', async () => {
  const page = await open();
  await plays_on(page, 2);
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await choose(page, 'Audio only · 70 kbit/s');
  const before =
      await until(page, 'there is sound alone', (now) => now.width === 0 && now.time > 0 && now.ready > 2);
  asked.length = 0;
  await until(
      page, 'the sound goes on', (now) => now.time > before.time + 4 && now.audio_bytes > before.audio_bytes);
  assert.ok(asked.some((path) => path.includes('/audio/')), asked);
  assert.deepEqual(asked.filter((path) => /\/\d+p\//.test(path)), []);
  assert.ok(await page.locator('#audio_only').isVisible());
  await keep(page, 'ladder-audio-only');
  await choose(page, '180p · 235 kbit/s');
  await shows(page, 180);
  assert.equal((await plays_on(page, 1)).message, null);
  assert.ok(!await page.locator('#audio_only').isVisible());
});

test('audio only goes on where the picture was', async () => {
  const page = await open(`/watch/${kStation}`);
  await plays_on(page, 2);
  await page.locator('#seek').press('Home');
  await plays_on(page, 1);
  const date = () => page.evaluate(() => {
    const {player} = globalThis.headgate;
    return player.date_at(document.querySelector('video').currentTime);
  });
  const before = await date();
  await choose(page, 'Audio only · 70 kbit/s');
  await until(page, 'there is sound alone', (now) => now.width === 0 && now.ready > 2);
  const away = (await date() - before) / 1000;
  assert.ok(away > -3 && away < 8, `${away} s from where it was`);
});

// A rung that was left may be chosen again after a while; as if that were over.
async function time_has_passed(page) {
  await page.evaluate(() => {
    const {levels, config} = globalThis.headgate.player.hls_;
    for (const level of levels) level.loadErrorTime -= config.errorPenaltyExpireMs;
  });
}

test('Auto leaves a rung that gives nothing, and comes back to it', async () => {
  const page = await open();
  await plays_on(page, 2);
  await shows(page, 480);
  const paused = node.next_segment(kStation);
  node.gaps.set('480p', (msn) => msn >= paused);
  await shows(page, 270);
  assert.equal((await plays_on(page, 2)).rebuilds, 0);
  const resumed = node.next_segment(kStation);
  node.gaps.set('480p', (msn) => msn >= paused && msn < resumed);
  await time_has_passed(page);
  await shows(page, 480);
  assert.equal((await plays_on(page, 2)).rebuilds, 0);
});

test('a chosen rung that gives nothing is left, and is seen when it is back', async () => {
  const page = await open();
  await plays_on(page, 2);
  await choose(page, '270p · 620 kbit/s');
  await shows(page, 270);
  const paused = node.next_segment(kStation);
  node.gaps.set('270p', (msn) => msn >= paused);
  await shows(page, 180);
  assert.equal((await plays_on(page, 2)).rebuilds, 0);
  node.gaps.clear();
  await time_has_passed(page);
  await shows(page, 270);
  assert.equal(await page.locator('#quality').inputValue(), '270@620400');
});

// As after a visit on a link that carries all rungs: Auto begins with the largest.
async function open_where_all_is_carried() {
  const opened = await open_page(browser);
  await opened.page.addInitScript(() => {
    localStorage.setItem('headgate.bandwidth', JSON.stringify({bps: 5e6, at_ms: Date.now()}));
  });
  return open_in(opened);
}

const of_rungs = (ending) => requested.filter((path) => /\/\d+p\//.test(path) && path.endsWith(ending));

test('who begins with a rung that has just begun stays with it', async () => {
  const begins = node.next_segment(kStation) - 1;
  node.gaps.set('480p', (msn) => msn < begins);
  const page = await open_where_all_is_carried();
  await plays_on(page, 1);
  assert.match(of_rungs('.m4s')[0], /\/480p\//);
});

// There is no room to encode it; there is no such rung, any more.
for (const status of [503, 404, 410]) {
  test(`a rung whose playlist is answered ${status} is left at once`, async () => {
    node.refused.set('480p', status);
    const page = await open_where_all_is_carried();
    await plays_on(page, 1);
    const [first, second] = of_rungs('.m3u8');
    assert.match(first, /\/480p\//);
    assert.match(second, /\/270p\//);
  });
}

for (const status of [503, 404]) {
  test(`while all are answered ${status} nothing is given up`, async () => {
    const page = await open();
    await plays_on(page, 2);
    for (const {name} of kRungs) node.refused.set(name, status);
    requested.length = 0;
    const deadline = Date.now() + 20000;
    while (of_rungs('.m3u8').length < 5) {
      assert.ok(Date.now() < deadline, `asked for ${requested}`);
      await page.waitForTimeout(100);
    }
    node.refused.clear();
    assert.equal((await plays_on(page, 2)).rebuilds, 0);
  });
}
