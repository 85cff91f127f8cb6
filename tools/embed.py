#!/usr/bin/env python3
"""tools/embed.py FOLDER OUT.cc: the files of FOLDER as the table of src/console/internal/assets.h; same bytes in, same bytes out.

A missing FOLDER gives an empty table. index.html becomes "/". Other files above 1 kB are kept compressed, and only so.
"""

import gzip
import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


def literal(data):
    """Octal escapes always of three digits, so that no digit after one is taken into it."""
    plain = {c: chr(c) for c in range(32, 127) if chr(c) not in '"\\?'}
    text = "".join(plain.get(b) or f"\\{b:03o}" for b in data)
    # In lines, never inside an escape.
    lines, at = [], 0
    while at < len(text):
        end = min(at + 116, len(text))
        cut = text.rfind("\\", max(at, end - 3), end)
        if cut != -1 and cut + 4 > end:
            end = min(cut + 4, len(text))
        lines.append(f'    "{text[at:end]}"')
        at = end
    return "\n".join(lines) or '    ""'


def main(folder, out):
    folder = pathlib.Path(folder)
    rows = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []:
        data = path.read_bytes()
        name = "/" + path.relative_to(folder).as_posix()
        packed = len(data) > 1024 and name != "/index.html"
        data = gzip.compress(data, 9, mtime=0) if packed else data
        etag = hashlib.sha256(data).hexdigest()[:24]
        rows.append(
            f'  {{"{"/" if name == "/index.html" else name}", "{TYPES[path.suffix]}", "\\"{etag}\\"", {str(packed).lower()}, '
            f'{str(name.startswith("/assets/")).lower()},\n   std::string_view(\n{literal(data)},\n    {len(data)})}},'
        )
    text = "// Made by tools/web from web/: edit there.\n#include \"console/internal/assets.h\"\n\nnamespace licet::console {\n"
    if rows:
        text += "namespace {\nconstexpr Asset kAssets[] = {\n" + "\n".join(rows) + "\n};\n}  // namespace\n"
    text += "std::span<const Asset> assets() { return " + ("kAssets" if rows else "{}") + "; }\n}  // namespace licet::console\n"
    path = pathlib.Path(out)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    else:
        path.touch()


main(*sys.argv[1:])
