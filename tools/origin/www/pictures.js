// SPDX-License-Identifier: LGPL-2.1-or-later
// The small pictures of a stream, one for each segment, found by the station's wall clock: that holds for the
// live window and for the replay, whatever a player counts its time from (docs/api.md, Pictures).

const kFreshMs = 4000;  // a list is asked for again after so long, and only while somebody looks

// [{from_ms, to_ms, address}], ascending, of a playlist of pictures. Segments without one are left out.
export function pictures_in(text, base) {
  const out = [];
  let date = Number.NaN;
  let duration = 0;
  let gap = false;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) {
      date = Date.parse(line.slice(line.indexOf(':') + 1));
    } else if (line.startsWith('#EXTINF:')) {
      duration = Number.parseFloat(line.slice(8)) * 1000;
    } else if (line.startsWith('#EXT-X-GAP')) {
      gap = true;
    } else if (line && !line.startsWith('#')) {
      const address = new URL(line.replace(/\.m4s$/, '.jpg'), base).href;
      if (!gap && date + duration > 0) out.push({from_ms: date, to_ms: date + duration, address});
      date += duration;
      gap = false;
    }
  }
  return out;
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
