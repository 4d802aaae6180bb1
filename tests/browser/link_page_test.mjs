// SPDX-License-Identifier: LGPL-2.1-or-later
// The page against a fake node with a ladder: what Auto makes of a link that becomes slower, and faster.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {plays_on} from './support/chromium.mjs';
import {open, shows} from './support/ladder_page.mjs';

const kSlowBytes = 45000;  // a second: carries the lowest rung and the sound, not the next one

test('on a slow link Auto falls, and climbs again', async () => {
  const page = await open();
  await plays_on(page, 2);
  await shows(page, 480);
  const link = await page.context().newCDPSession(page);
  const limit = (bytes) => link.send(
      'Network.emulateNetworkConditions',
      {offline: false, latency: 20, downloadThroughput: bytes, uploadThroughput: -1});
  await link.send('Network.enable');
  await limit(kSlowBytes);
  await shows(page, 180, 60000);
  await page.getByRole('option', {name: 'Auto (now 180p)'}).waitFor({state: 'attached'});
  await limit(-1);
  await shows(page, 480, 90000);
  assert.equal((await plays_on(page, 2)).rebuilds, 0);
});

// By hls.js's own estimate, of parts of half a second that a link of so many bit/s delivers: after how many
// seconds the link is taken to carry the next rung, for which hls.js wants 1 / 0.7 of its rate.
async function climbs_after_s(page, parts, link_bps) {
  return page.evaluate(async ({parts, link_bps}) => {
    const kPartS = 0.5, kRungBps = 300_000, kNextBps = 750_000;
    const {settings_of} = await import('/assets/tuning.js');
    const {abrController} = globalThis.headgate.player.hls_;
    const {abrEwmaSlowLive, abrEwmaFastLive} = settings_of(parts);
    const estimator = new abrController.bwEstimator.constructor(abrEwmaSlowLive, abrEwmaFastLive, 500_000);
    const part = (bps) => estimator.sample(1000 * kPartS * kRungBps / bps, kPartS * kRungBps / 8);
    for (let i = 0; i < 120; ++i) part(kRungBps);  // the link carried just this
    for (let i = 1; i < 1000; ++i) {
      part(link_bps);
      if (estimator.getEstimate() * 0.7 >= kNextBps) return i * kPartS;
    }
    return Infinity;
  }, {parts, link_bps});
}

test('with parts a link that became faster is noticed in time', async () => {
  const page = await open();
  await plays_on(page, 1);
  for (const link_bps of [2e6, 20e6, 200e6]) {
    const within = await climbs_after_s(page, true, link_bps);
    assert.ok(within < 20, `${within} s with ${link_bps} bit/s`);
    assert.ok(
        await climbs_after_s(page, false, link_bps) > 2 * within, 'hls.js would take as long by itself');
  }
  // No single part that came from some buffer on the way makes it climb.
  assert.ok(await climbs_after_s(page, true, 200e6) > 5);
  assert.equal(await climbs_after_s(page, true, 1e6), Infinity, 'it does not carry the next one');
});
