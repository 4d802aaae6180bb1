// SPDX-License-Identifier: LGPL-2.1-or-later
// node play.mjs ADDRESS
// Keeps a player page open in headless Chromium and prints its playback as a JSON line four times a second. A
// line on standard input is the path of a picture to take; its end ends this.
import {createInterface} from 'node:readline';

import {open_browser, open_page, playback} from './support/chromium.mjs';

const kPeriodMs = 250;

const browser = await open_browser();
const {page, errors} = await open_page(browser);
await page.goto(process.argv[2]);

let over = false;
const orders = createInterface({input: process.stdin});
orders.on('line', (path) => page.screenshot({path}));
orders.on('close', () => {
  over = true;
});
while (!over) {
  const {stream, ...now} = await playback(page);
  console.log(JSON.stringify({...now, state: stream?.state ?? null, errors}));
  await page.waitForTimeout(kPeriodMs);
}
await browser.close();
