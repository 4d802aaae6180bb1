#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of who may use whom in docs/architecture.md, the build files and every #include say the same."""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/support"))
import tap  # noqa: E402

ROW = re.compile(r"^\| `(?P<name>\w+)` \| [^|]* \|(?P<own>[^|]*)\|(?P<outside>[^|]*)\|$")
DEPENDENCY = re.compile(r"(?<!override_)dependency\('([^']+)'")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
SYSTEM = {"threads", "atomic"}  # of the platform
FOREIGN_HEADERS = {  # first word of an include: the dependency that it needs
    "glib": "glib", "gio": "glib", "gst": "gstreamer", "libsoup": "libsoup", "json-glib": "json-glib-1.0",
    "sodium.h": "libsodium", "sodium": "libsodium", "qrencode.h": "libqrencode", "png.h": "libpng",
    "ebur128.h": "libebur128",
    "openssl": "libcrypto", "libxml": "libxml-2.0",
}


def table():
    """{library: (first-party names, outside names)} as docs/architecture.md has it."""
    rows = {}
    for line in (TOP / "docs/architecture.md").read_text(encoding="utf-8").splitlines():
        row = ROW.match(line)
        if row:
            rows[row["name"]] = (set(re.findall(r"`(\w+)`", row["own"])),
                                 {word.strip() for word in row["outside"].split(",") if word.strip()})
    return rows


def libraries():
    return sorted(path.parent.name for path in TOP.glob("subprojects/*/meson.build"))


def sources(*folders):
    return [path for folder in folders for path in sorted((TOP / folder).rglob("*")) if path.suffix in (".h", ".cpp", ".c")]


def includes(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def expect_none(problems):
    assert not problems, "\n".join(problems)


def test_the_table_names_every_library():
    assert sorted(table()) == libraries(), f"{sorted(table())} in the table, {libraries()} in subprojects/"


def test_the_build_files_name_what_the_table_allows():
    problems = []
    for library, (own, outside) in table().items():
        named = set(DEPENDENCY.findall((TOP / "subprojects" / library / "meson.build").read_text(encoding="utf-8")))
        first_party = {name.removeprefix("headgate-") for name in named if name.startswith("headgate-")}
        others = {name for name in named if not name.startswith("headgate-")} - SYSTEM
        if first_party != own:
            problems.append(f"{library}: the table says {sorted(own)}, its meson.build {sorted(first_party)}")
        if others != outside:
            problems.append(f"{library}: the table says {sorted(outside)} from outside, its meson.build {sorted(others)}")
    expect_none(problems)


def test_no_library_includes_another_than_those():
    rows = table()
    problems = []
    for library, (own, outside) in rows.items():
        for path in sources(f"subprojects/{library}"):
            for header in includes(path):
                first = header.split("/")[0]
                where = f"{path.relative_to(TOP)} includes {header}"
                if "/" in header and first in rows and first not in own | {library}:
                    problems.append(where)
                if first in FOREIGN_HEADERS and FOREIGN_HEADERS[first] not in outside:
                    problems.append(where)
    expect_none(problems)


def test_no_plugin_uses_another():
    plugins = [path.parent for path in (TOP / "plugins").glob("*/meson.build")]
    problems = []
    for plugin in plugins:
        others = [other.name for other in plugins if other != plugin]
        build = (plugin / "meson.build").read_text(encoding="utf-8")
        problems += [f"{plugin.name}/meson.build names {other}" for other in others if f"{other}_" in build or f"{other}/" in build]
        for path in sources(plugin):
            problems += [f"{path.relative_to(TOP)} includes {header}" for header in includes(path)
                         if any(header.startswith(f"{other}/") or f"/{other}/" in header for other in others)]
    expect_none(problems)


def test_programs_and_plugins_do_not_know_each_other():
    plugins = {path.parent.name for path in (TOP / "plugins").glob("*/meson.build")} | {"plugins"}
    programs = {path.parent.name for path in (TOP / "tools").glob("*/meson.build")} | {"tools"}
    problems = []
    for folder, forbidden in (("plugins", programs - plugins - {"common"}), ("tools", plugins - programs - {"common"})):
        for path in sources(folder):
            problems += [f"{path.relative_to(TOP)} includes {header}" for header in includes(path)
                         if "/" in header and header.split("/")[0] in forbidden]
    expect_none(problems)


def test_every_source_names_its_licence():
    problems = [str(path.relative_to(TOP)) for path in sources("subprojects", "plugins", "tools", "tests")
                if "node_modules" not in path.parts
                and not path.read_text(encoding="utf-8").startswith("// SPDX-License-Identifier: LGPL-2.1-or-later\n")]
    expect_none(problems)


if __name__ == "__main__":
    tap.run(globals())
