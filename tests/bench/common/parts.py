# SPDX-License-Identifier: LGPL-2.1-or-later
"""When what a live playlist lists came to the server, by its dates (EXT-X-PROGRAM-DATE-TIME)."""

import re
from datetime import datetime

PART = re.compile(r'#EXT-X-PART:DURATION=([\d.]+),URI="(\d+)\.(\d+)\.m4s"(.*)')


def date_of(line):
    return datetime.fromisoformat(line.split(":", 1)[1].replace("Z", "+00:00")).timestamp()


def parts_of(text):
    """[(msn, index, date of its first picture, seconds)] of all parts that are listed and there."""
    out, date = [], None
    for line in text.splitlines():
        if line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            date = date_of(line)
        elif match := PART.match(line):
            seconds = float(match[1])
            if "GAP=YES" not in match[4]:
                out.append((int(match[2]), int(match[3]), date, seconds))
            date += seconds
    return out


def segments_of(text):
    """[(number since the first, date of its first picture, seconds)] of a playlist that loses none and dates each."""
    out, date, seconds = [], None, 0.0
    for line in text.splitlines():
        if line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            date = date_of(line)
        elif line.startswith("#EXTINF:"):
            seconds = float(line.split(":", 1)[1].split(",")[0])
        elif line and not line.startswith("#"):
            out.append((len(out), date, seconds))
    return out
