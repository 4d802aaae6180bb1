# SPDX-License-Identifier: LGPL-2.1-or-later
"""A certificate for TLS on loopback, signed by itself."""
import subprocess
from pathlib import Path


def write(folder, name="127.0.0.1", days=30):
    """FOLDER/cert.pem and FOLDER/key.pem, each replaced as a whole; their paths."""
    folder = Path(folder)
    paths = folder / "cert.pem", folder / "key.pem"
    new = [path.with_suffix(".new") for path in paths]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", str(days),
         "-keyout", str(new[1]), "-out", str(new[0])], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    for made, path in zip(new, paths):
        made.replace(path)
    return paths
