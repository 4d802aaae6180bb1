# SPDX-License-Identifier: LGPL-2.1-or-later
"""Panels of bars in groups, as SVG."""

WIDTH, HEIGHT, MARGIN, BAR = 420, 240, 50, 26  # of a panel; around all; of a bar


def _text(x, y, text, size=12, anchor="middle", fill="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}" '
            f'font-family="sans-serif">{text}</text>')


def _panel(title, groups, style, left, top, colours):
    highest = max((value for _, bars in groups for _, value in bars if value is not None), default=0) or 1
    base, height = top + HEIGHT - 40, HEIGHT - 90
    out = [_text(left + WIDTH / 2, top + 20, title, 13)]
    out.append(f'<line x1="{left + 20}" y1="{base}" x2="{left + WIDTH - 20}" y2="{base}" stroke="#888"/>')
    group_width = (WIDTH - 40) / max(len(groups), 1)
    for i, (label, bars) in enumerate(groups):
        middle = left + 20 + group_width * (i + 0.5)
        out.append(_text(middle, base + 18, label))
        for j, (name, value) in enumerate(bars):
            if value is None:
                continue
            bar = max(value, 0) / highest * height
            x = middle + (j - len(bars) / 2) * (BAR + 14) + 7
            out.append(f'<rect x="{x:.1f}" y="{base - bar:.1f}" width="{BAR}" height="{bar:.1f}" '
                       f'fill="{colours[name]}"/>')
            out.append(_text(x + BAR / 2, base - bar - 5, style.format(value), 11))
    return out


def svg(panels, colours):
    """`panels`: (title, [(label of a group, [(name, value or None)])], format of values), two in a row; `colours`:
    of each name, in the order of the legend."""
    width, height = MARGIN + 2 * WIDTH, MARGIN + (len(panels) + 1) // 2 * HEIGHT + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           f'viewBox="0 0 {width} {height}">', f'<rect width="{width}" height="{height}" fill="#fff"/>']
    x = MARGIN
    for name, colour in colours.items():
        out.append(f'<rect x="{x}" y="18" width="14" height="14" fill="{colour}"/>')
        out.append(_text(x + 20, 30, name, 13, "start"))
        x += 40 + 9 * len(name)
    for i, (title, groups, style) in enumerate(panels):
        out += _panel(title, groups, style, MARGIN / 2 + i % 2 * WIDTH, MARGIN + i // 2 * HEIGHT, colours)
    out.append("</svg>")
    return "\n".join(out) + "\n"
