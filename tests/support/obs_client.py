# SPDX-License-Identifier: LGPL-2.1-or-later
"""OBS Studio without a screen, a person or a home: a black picture and silence, streamed from its start on."""
import json
import os
import re
import shutil
import subprocess

from waiting import wait_until

GLOBAL = """[General]
Pre19Defaults=false
Pre21Defaults=false
Pre23Defaults=false
Pre24.1Defaults=false
FirstRun=true
EnableAutoUpdates=false

[Basic]
Profile=test
ProfileDir=test
SceneCollection=test
SceneCollectionFile=test

[BasicWindow]
WarnBeforeStartingStream=false
WarnBeforeStoppingStream=false
PreviewEnabled=false
"""
BASIC = """[General]
Name=test

[Video]
BaseCX=160
BaseCY=120
OutputCX=160
OutputCY=120
FPSType=0
FPSCommon=30

[Output]
Mode=Simple
Reconnect=false

[SimpleOutput]
VBitrate=80
ABitrate=64
StreamEncoder=x264
Preset=ultrafast

[Audio]
SampleRate=44100
ChannelSetup=Mono
"""
SCENE = {"current_scene": "Scene", "current_program_scene": "Scene", "name": "test", "scene_order": [{"name": "Scene"}],
         "sources": [{"id": "scene", "name": "Scene", "settings": {"custom_size": False, "id_counter": 0, "items": []}}]}
# It knows no signal and, without a window manager, no end: somebody inside waits for a file.
STOP = """
function check()
  local file = io.open("%s")
  if file then file:close() obslua.remove_current_callback() obslua.obs_frontend_streaming_stop() end
end
function script_load(settings) obslua.timer_add(check, 100) end
"""
PROGRAMS = ("obs", "Xvfb")


def missing():
    """Which of its programs are not there."""
    return [name for name in PROGRAMS if not shutil.which(name)]


def write_home(home, entry):
    config = home / ".config/obs-studio"
    (config / "basic/profiles/test").mkdir(parents=True)
    (config / "basic/scenes").mkdir()
    (config / "global.ini").write_text(GLOBAL)
    (config / "basic/profiles/test/basic.ini").write_text(BASIC)
    script = home / "stop.lua"
    script.write_text(STOP % (home / "stop"))
    scene = {**SCENE, "modules": {"scripts-tool": [{"path": str(script), "settings": {}}]}}
    (config / "basic/scenes/test.json").write_text(json.dumps(scene))
    # Over SRT everything is in the address.
    where = (entry["url"], "") if entry["protocol"] == "srt" else (entry["server"], entry["key"])
    settings = {"server": where[0], "key": where[1], "use_auth": "user" in entry}
    if "user" in entry:
        settings.update(username=entry["user"], password=entry["password"])
    (config / "basic/profiles/test/service.json").write_text(json.dumps({"type": "rtmp_custom", "settings": settings}))


class Obs:
    """Streams to an entry of a ticket, RTMP or SRT, until it is ended."""

    def __init__(self, folder, entry, env):
        # The last that it says of a stream.
        self.last_words = "SRT connection closed" if entry["protocol"] == "srt" else "Streaming Stop"
        self.home = home = folder / "obs-home"
        write_home(home, entry)
        self.log = open(folder / "obs.log", "w+", encoding="utf-8", errors="replace")
        reading, writing = os.pipe()
        self.screen = subprocess.Popen(["Xvfb", "-displayfd", str(writing), "-screen", "0", "320x240x24", "-nolisten", "tcp"],
                                       pass_fds=(writing,), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        os.close(writing)
        self.process = None
        try:
            with os.fdopen(reading) as told:
                display = told.readline().strip()
            assert display, f"Xvfb does not start: {self.told()}"
            # Software rendering is enough for one black picture; a session bus would be somebody's.
            env = {**env, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "DISPLAY": ":" + display,
                   "LIBGL_ALWAYS_SOFTWARE": "1", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/invalid"}
            self.process = subprocess.Popen(
                ["obs", "--multi", "--profile", "test", "--collection", "test", "--startstreaming", "--minimize-to-tray"],
                env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        except BaseException:
            self.stop()
            raise

    def told(self):
        self.log.seek(0)
        return self.log.read()

    def end(self):
        """Has it stop streaming; how many pictures it says that it has sent."""
        (self.home / "stop").touch()
        wait_until("OBS has stopped streaming", lambda: self.last_words in self.told(), 30)
        return int(re.search(r"Total frames output: (\d+)", self.told())[1])

    def stop(self):
        for process in (self.process, self.screen):
            if process:
                process.kill()
                process.wait()
