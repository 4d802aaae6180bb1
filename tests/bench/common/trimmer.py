# SPDX-License-Identifier: LGPL-2.1-or-later
"""Punches written data out of growing files, all but the tail: python3 trimmer.py DIRECTORY

A virtual machine whose host takes free pages back pays for every page that it touches for the first time, several
times what the server under test costs. Behind a trimmer the page cache's pages go round and round instead, and an
hour of recordings fits into memory. Runs until it is killed. Its own CPU is not the server's.
"""

import ctypes
import os
import sys
import time

INTERVAL_S = 0.25
SCAN_EVERY = 8            # intervals between two looks for new files
SMALLEST = 256 * 1024     # files below are left alone: playlists, indices, logs
TAIL = 64 * 1024          # never punched: still being written, or about to be read
PAGE = 4096
KEEP_SIZE_PUNCH_HOLE = 1 | 2

libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong]


class Trimmer:
    def __init__(self, directory):
        self.directory = directory
        self.files = {}  # inode: [descriptor, bytes punched]

    def scan(self):
        for folder, _, names in os.walk(self.directory):
            for name in names:
                try:
                    status = os.lstat(os.path.join(folder, name))
                    if status.st_size >= SMALLEST and status.st_ino not in self.files:
                        self.files[status.st_ino] = [os.open(os.path.join(folder, name), os.O_RDWR), 0]
                except FileNotFoundError:
                    pass

    def trim(self):
        for inode, entry in list(self.files.items()):
            status = os.fstat(entry[0])
            if status.st_nlink == 0:
                os.close(entry[0])
                del self.files[inode]
                continue
            end = (status.st_size - TAIL) & ~(PAGE - 1)
            if end - entry[1] >= TAIL:
                if libc.fallocate(entry[0], KEEP_SIZE_PUNCH_HOLE, entry[1], end - entry[1]) != 0:
                    sys.exit("this file system cannot punch holes: run with --no-trim")
                entry[1] = end


def main():
    trimmer = Trimmer(sys.argv[1])
    rounds = 0
    while True:
        if rounds % SCAN_EVERY == 0:
            trimmer.scan()
        trimmer.trim()
        rounds += 1
        time.sleep(INTERVAL_S)


if __name__ == "__main__":
    main()
