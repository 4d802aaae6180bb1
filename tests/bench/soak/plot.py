# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lines over time, as SVG: memory of all, and of each kind of process."""

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 860, 420, 70, 50, 45, 20
COLOURS = {"all": "#222222", "headgate": "#8a8f98", "headgate-gate": "#d98c21", "headgate-origin": "#5b8c3e",
           "headgate-worker": "#1f77b4"}
STEPS = (1, 2, 5)  # of a scale, times powers of ten
TICKS = 6


def _text(x, y, text, size=12, anchor="middle", fill="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}" '
            f'font-family="sans-serif">{text}</text>')


def _step(highest):
    power = 1
    while True:
        for step in STEPS:
            if step * power * TICKS >= highest:
                return step * power
        power *= 10


def svg(samples, spans, title):
    """`samples`: [(seconds, {kind: kB})]; `spans`: (begin, end) in seconds of what is compared."""
    kinds = [kind for kind in COLOURS if any(kind in kb for _, kb in samples)]
    last = max(at for at, _ in samples) or 1
    step = _step(max(max(kb.values()) for _, kb in samples) / 1000)
    top_mb = step * TICKS
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(at):
        return LEFT + at / last * width

    def y(kb):
        return TOP + height - kb / 1000 / top_mb * height
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', _text(WIDTH / 2, 20, title, 14)]
    for begin, end in spans:
        out.append(f'<rect x="{x(begin):.1f}" y="{TOP}" width="{x(end) - x(begin):.1f}" height="{height}" '
                   f'fill="#f0f0ea"/>')
    for i in range(TICKS + 1):
        at = y(i * step * 1000)
        out.append(f'<line x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" y2="{at:.1f}" stroke="#ddd"/>')
        out.append(_text(LEFT - 8, at + 4, f"{i * step} MB", 11, "end"))
    minutes = _step(last / 60)
    for i in range(int(last / 60 / minutes) + 1):
        out.append(_text(x(i * minutes * 60), HEIGHT - 22, f"{i * minutes}", 11))
    out.append(_text(LEFT + width / 2, HEIGHT - 6, "minutes", 11))
    at = LEFT
    for kind in kinds:
        points = " ".join(f"{x(seconds):.1f},{y(kb[kind]):.1f}" for seconds, kb in samples if kind in kb)
        out.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[kind]}" stroke-width="1.8"/>')
        out.append(f'<rect x="{at}" y="30" width="12" height="12" fill="{COLOURS[kind]}"/>')
        out.append(_text(at + 17, 41, kind, 12, "start"))
        at += 40 + 8 * len(kind)
    out.append("</svg>")
    return "\n".join(out) + "\n"
