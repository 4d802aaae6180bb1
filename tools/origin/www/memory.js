// SPDX-License-Identifier: LGPL-2.1-or-later
// What this browser remembers between visits. A browser that keeps nothing is no reason to fail.

const kPrefix = 'headgate.';

export function recall(key) {
  try {
    return JSON.parse(localStorage.getItem(kPrefix + key));
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(kPrefix + key, JSON.stringify(value));
  } catch {
    // Full, or forbidden by the person: then it is as new next time.
  }
}
