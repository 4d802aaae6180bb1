# SPDX-License-Identifier: LGPL-2.1-or-later
"""How good a rung is: its bit rate, and PSNR and SSIM of its luma against the source scaled to its size."""

import re
import subprocess

PSNR = re.compile(r"PSNR y:([0-9.]+|inf)")
SSIM = re.compile(r"SSIM Y:([0-9.]+)")


def packets(playlist):
    text = subprocess.run(["ffprobe", "-v", "error", "-allowed_extensions", "ALL", "-select_streams", "v", "-show_entries",
                           "packet=size", "-of", "csv=p=0", str(playlist)], check=True, capture_output=True,
                          text=True).stdout
    return [int(line.strip(",")) for line in text.split()]


def measure(playlist, rung, source, compare=True):
    sizes = packets(playlist)
    seen = {"frames": len(sizes), "kbps": sum(sizes) * 8 / 1000 / (len(sizes) / source.fps)}
    if not compare:
        return seen
    # Picture by picture, whatever the times are.
    count = f"settb=1/1000,setpts=N*1000/({source.rate})"
    graph = (f"[0:v]{count}[a];[1:v]{count},scale={rung.width}:{rung.height}:flags=bicubic[b];"
             "[a]split[a1][a2];[b]split[b1][b2];[a1][b1]psnr[p];[a2][b2]ssim[s]")
    told = subprocess.run(["ffmpeg", "-nostdin", "-hide_banner", "-allowed_extensions", "ALL", "-i", str(playlist), "-i",
                           source.path, "-filter_complex", graph, "-map", "[p]", "-f", "null", "-", "-map", "[s]", "-f",
                           "null", "-"], check=True, capture_output=True, text=True).stderr
    seen["psnr_y"], seen["ssim_y"] = float(PSNR.search(told)[1]), float(SSIM.search(told)[1])
    return seen
