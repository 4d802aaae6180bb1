// SPDX-License-Identifier: LGPL-2.1-or-later
// What a multivariant playlist offers, and which of it a person chose. Pure: no page, no player.
//
// A choice is a text that outlives a player, a page and a stream: 'auto', 'audio', or a rung as
// '720@2500000'. Another stream's rung of the same height is the same choice.

const kAudioCodec = /^(mp4a|opus|ac-3|ec-3|fLaC)/i;

// As people call it: the shorter side, also of an upright picture.
const lines = ({width, height}) => Math.min(width || height, height || width) || 0;

// hls.js's levels: what of the playlist this browser can show.
export function rungs_of(levels) {
  return levels
      .map((level, index) => ({
             index,
             lines: lines(level),
             fps: Math.round(level.frameRate ?? 0),
             bps: level.bitrate,
             choice: `${lines(level)}@${level.bitrate}`,
           }))
      .sort((a, b) => b.lines - a.lines || b.bps - a.bps);
}

// The variant that has sound and nothing else; null when there is none. hls.js leaves it out of its levels
// where there are others with pictures.
export function audio_of(variants) {
  const found = variants.find(({attrs}) => {
    const codecs = (attrs.CODECS ?? '').split(',').map((one) => one.trim()).filter(Boolean);
    return !attrs.RESOLUTION && codecs.length > 0 && codecs.every((one) => kAudioCodec.test(one));
  });
  return found ? {address: found.url, bps: found.bitrate} : null;
}

// The rung that a choice means; null: none of these.
export function chosen_rung(rungs, choice) {
  const [wanted_lines, wanted_bps] = choice.split('@').map(Number);
  const nearest = rungs.filter((rung) => rung.lines === wanted_lines)
                      .sort((a, b) => Math.abs(a.bps - wanted_bps) - Math.abs(b.bps - wanted_bps));
  return nearest[0] ?? null;
}

// The variants of a multivariant playlist, as far as audio_of() looks at them, for players that tell nothing
// of theirs.
export function variants_in(text, address) {
  const out = [];
  let attrs = null;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#EXT-X-STREAM-INF:')) {
      attrs = Object.fromEntries([...line.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)].map(
          ([, key, value]) => [key, value.replaceAll('"', '')]));
    } else if (attrs && line && !line.startsWith('#')) {
      out.push({attrs, url: new URL(line, address).href, bitrate: Number(attrs.BANDWIDTH)});
      attrs = null;
    }
  }
  return out;
}
