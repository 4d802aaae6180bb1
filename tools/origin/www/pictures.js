// SPDX-License-Identifier: LGPL-2.1-or-later
// The small pictures of a stream, one for each segment, alone and on sheets, found by the station's wall
// clock: that holds for the live window and for the replay, whatever a player counts its time from
// (docs/api.md, Pictures).

const kFreshMs = 4000;  // a list is asked for again after so long, and only while somebody looks

// A sheet has the pictures of so many segments as tiles, row by row: sheet N from number N * kTiles on.
export const kColumns = 5;
export const kRows = 5;
const kTiles = kColumns * kRows;

// [{from_ms, to_ms, address, sheet}], ascending, of a playlist of pictures. Segments without one are left
// out. `sheet`: {address, place} of the tile, of those that stand on a sheet which is there; null otherwise.
// All on it are of one kind, the last one's.
export function pictures_in(text, base) {
  const out = [];
  let date = Number.NaN;
  let duration = 0;
  let gap = false;
  let kind = null;
  let newest = -1;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) {
      date = Date.parse(line.slice(line.indexOf(':') + 1));
    } else if (line.startsWith('#EXTINF:')) {
      duration = Number.parseFloat(line.slice(8)) * 1000;
    } else if (line.startsWith('#EXT-X-GAP')) {
      gap = true;
    } else if (line.startsWith('#EXT-X-MAP:')) {
      kind = line;
    } else if (line && !line.startsWith('#')) {
      const address = new URL(line.replace(/\.m4s$/, '.jpg'), base).href;
      newest = Number.parseInt(line, 10);
      if (!gap && date + duration > 0)
        out.push({from_ms: date, to_ms: date + duration, address, sheet: null, number: newest, kind});
      date += duration;
      gap = false;
    }
  }
  const kinds = new Map();
  for (const one of out) kinds.set(Math.floor(one.number / kTiles), one.kind);
  return out.map(({number, kind: own, ...picture}) => {
    const sheet = Math.floor(number / kTiles);
    if (newest + 1 >= (sheet + 1) * kTiles && kinds.get(sheet) === own)
      picture.sheet = {address: new URL(`sheet-${sheet}.jpg`, base).href, place: number % kTiles};
    return picture;
  });
}

// The picture that holds at `date_ms`; null when there is none.
export function picture_at(pictures, date_ms) {
  const found = pictures.findLast(({from_ms}) => from_ms <= date_ms);
  return found && date_ms < found.to_ms ? found : null;
}

export class Pictures {
  constructor() {
    this.address_ = null;
    this.pictures_ = [];
    this.asked_ms_ = -Infinity;
  }

  // Where the list is; null: this stream has no pictures.
  from(address) {
    if (address === this.address_) return;
    this.address_ = address;
    this.pictures_ = [];
    this.asked_ms_ = -Infinity;
  }

  // What is known now; asks for more meanwhile. `on_more` is called when there is.
  at(date_ms, on_more) {
    if (this.address_) this.ask_(on_more);
    return date_ms === null ? null : picture_at(this.pictures_, date_ms);
  }

  async ask_(on_more) {
    const now = performance.now();
    if (now - this.asked_ms_ < kFreshMs) return;
    this.asked_ms_ = now;
    const address = this.address_;
    // Without pictures there is still the time.
    const answer = await fetch(address).catch(() => null);
    const text = answer?.ok ? await answer.text().catch(() => null) : null;
    if (text === null || address !== this.address_) return;
    this.pictures_ = pictures_in(text, answer.url);
    on_more();
  }
}
