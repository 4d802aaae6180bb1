// SPDX-License-Identifier: LGPL-2.1-or-later
// How hls.js is set up: how much it buffers, what quality it begins with.
import {recall, remember} from './memory.js';
import {retry_settings} from './retries.js';

const kCatchUpRate = 1.05;       // how fast to catch up: not heard
const kMostPixelRatio = 2;       // of a screen; finer pixels are not worth a higher rung
const kPhoneFirstBps = 800_000;  // what a link is taken for until it has been measured
const kOtherFirstBps = 3_000_000;
const kMostFirstBps = 8_000_000;
const kLeastFirstBps = 200_000;
const kTrusted = 0.7;  // of what an earlier visit measured: the link may be another one now
const kTrustedMs = 3600_000;
const kBandwidth = 'bandwidth';

const within = (low, value, high) => Math.min(Math.max(value, low), high);

// What the link is taken for before anything was measured on it: the last visit's measure, the browser's
// guess, or what such a device usually has. A phone begins low: a picture at once and better after a few
// seconds beats a wait.
export function first_estimate_bps({connection, phone, measured, now_ms}) {
  if (connection?.saveData) return kLeastFirstBps;
  if (measured?.bps > 0 && now_ms - measured.at_ms < kTrustedMs)
    return within(kLeastFirstBps, measured.bps * kTrusted, kMostFirstBps);
  const usual = phone ? kPhoneFirstBps : kOtherFirstBps;
  // The browser's guess is rounded, and at most 10 Mbit/s: it only lowers.
  return connection?.downlink > 0 ? within(kLeastFirstBps, connection.downlink * 1e6 * kTrusted, usual) :
                                    usual;
}

export function remember_estimate(bps) {
  if (bps > 0) remember(kBandwidth, {bps: Math.round(bps), at_ms: Date.now()});
}

// Of hls.js's parts, those for what no playlist of a node has: advertisements, encryption, subtitles.
const kNotNeeded = {
  interstitialsController: null,
  emeController: null,
  subtitleStreamController: null,
  subtitleTrackController: null,
  timelineController: null,
};

// How long hls.js remembers what the link carried, in seconds of loading; it takes the less of a fast and a
// slow mean. At a live edge a link that carries more than it has to is idle most of the time, and the mean
// moves by what is loaded: from a rung of R bit/s up to one of k R takes about (k / 0.7 - 1) slow / ln 2
// seconds, 0.7 being hls.js's abrBandWidthUpFactor; for k = 2.5, 33 s with the 9 s that it has for segments.
// Parts come twice a second, so that a mean over 3 s is still one of several of them, and climbs three times
// as fast; and with little buffered, a link that became slower has to be noticed by the next few.
const kOfSegments = {
  lowLatencyMode: false,
  abrEwmaFastLive: 3,
  abrEwmaSlowLive: 9,
};
const kOfParts = {
  lowLatencyMode: true,
  abrEwmaFastLive: 1,
  abrEwmaSlowLive: 3,
};

// Of a playlist that has parts, or none.
export const settings_of = (parts) => parts ? kOfParts : kOfSegments;

// `current`: the Hls of these settings, once it is there.
export function hls_settings(live, current) {
  return {
    ...kNotNeeded,
    ...retry_settings(current),
    autoStartLoad: false,   // Player says what is loaded first
    enableWorker: false,    // the segments are fMP4 already: nothing to transmux that a worker would pay for
    ...settings_of(false),  // until a playlist says that it has parts
    maxBufferLength: 30,
    backBufferLength: live ? 60 : 120,
    maxLiveSyncPlaybackRate: live ? kCatchUpRate : 1,
    capLevelToPlayerSize: true,
    maxDevicePixelRatio: kMostPixelRatio,
    abrEwmaDefaultEstimate: first_estimate_bps({
      connection: navigator.connection,
      phone: matchMedia('(pointer: coarse)').matches,
      measured: recall(kBandwidth),
      now_ms: Date.now(),
    }),
  };
}
