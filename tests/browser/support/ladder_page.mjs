// SPDX-License-Identifier: LGPL-2.1-or-later
// The player's page against a fake node with a ladder: what the tests of its rungs and of its controls share.
// A test that uses it has a node and a browser, and fails when a page complains.
import assert from 'node:assert/strict';
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {after, afterEach, before, beforeEach} from 'node:test';

import {open_browser, open_page} from './chromium.mjs';
import {FakeNode} from './fake_node.mjs';
import {Ladder} from './ladder.mjs';

export const kStation = 7;
const artefacts = process.env.HEADGATE_ARTEFACTS;
export let ladder, browser, node, base;
export let requested;  // paths, of all pages of this test
let pages;

before(async () => {
  if (artefacts) mkdirSync(artefacts, {recursive: true});
  ladder = new Ladder();
  browser = await open_browser();
});
after(async () => browser?.close());
beforeEach(async () => {
  node = new FakeNode(ladder);
  base = await node.start();
  pages = [];
  requested = [];
  node.set(kStation, {state: 'live', kbps: 1500});
});
afterEach(async () => {
  const errors = pages.flatMap((one) => one.errors);
  await Promise.all(pages.map((one) => one.close()));
  await node.stop();
  assert.deepEqual(errors, [], 'the page complained');
});

export async function open_in(opened, path = `/watch/${kStation}`) {
  pages.push(opened);
  opened.page.on('request', (request) => requested.push(new URL(request.url()).pathname));
  await opened.page.goto(base + path);
  return opened.page;
}

export const open = async (path, options = {}) => open_in(await open_page(browser, options), path);

export async function keep(page, name) {
  if (artefacts) await page.screenshot({path: join(artefacts, `${name}.png`)});
}

export const options_of = (page) => page.locator('#quality option').allTextContents();
const height = (page) => page.evaluate(() => document.querySelector('video').videoHeight);
export const choose = (page, name) => page.locator('#quality').selectOption({label: name});

export async function shows(page, wanted, within_ms = 30000) {
  const deadline = Date.now() + within_ms;
  while (await height(page) !== wanted) {
    assert.ok(
        Date.now() < deadline, `${await height(page)} lines and not ${wanted} after ${within_ms / 1000} s`);
    await page.waitForTimeout(100);
  }
}
