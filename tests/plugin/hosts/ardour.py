#!/usr/bin/env python3
"""Ardour, headless: a session with the plugin is made, saved, loaded again and
exported, at two rates; twice the same frames, the frames of the renderer, and
the same without a daemon. With SOURCE it is the real daemon, else the renderer
of the tests. Usage: ardour.py BUILD [SOURCE]"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from common import URI, Place, need, read_wav

PHRASES = [(0, "Welcome to the export."), (2, "And here is more of it.")]
SCRIPT = "@60 at 0\nWelcome to the export.\n@61 at 2s\nAnd here is more of it."
SEED = 4711
SECONDS = 4
SUPERCLOCK = 282240000  # of Ardour 7: ticks in a second

TRIES = 6

ENGINE = 'AudioEngine:set_backend("None (Dummy)", "", "")\n'
MAKE = ENGINE + """
local s = create_session("%(dir)s", "voice", %(rate)d)
assert(s)
local info = ARDOUR.LuaAPI.new_plugin_info("%(uri)s", ARDOUR.PluginType.LV2)
assert(not info:isnil(), "Ardour does not see the plugin")
local tl = s:new_midi_track(ARDOUR.ChanCount(ARDOUR.DataType("midi"),1),
  ARDOUR.ChanCount(ARDOUR.DataType("audio"),2), true, info, nil, nil, 1,
  "Voice", ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
local r
for t in tl:iter() do r = t end
local plugin = r:nth_plugin(0):to_insert():plugin(0)
local preset = plugin:preset_by_label("%(preset)s")
assert(preset.valid and plugin:load_preset(preset))
os.execute("sleep %(wait)d")
assert(s:save_state("") == 0)
os.execute("touch done; sleep 60")
"""
AGAIN = ENGINE + """
local s = load_session("%(dir)s", "voice")
assert(s)
os.execute("sleep 1")
assert(s:save_state("") == 0)
os.execute("touch done; sleep 60")
"""


def ask(place, script):
    """One run of ardour7-lua up to its last line. It is killed there: closing a
    session with the dummy engine hangs now and then (Graph::drop_threads)."""
    (place.folder / "ask.lua").write_text(script)
    done = place.folder / "done"
    done.unlink(missing_ok=True)
    log = open(place.folder / "lua.log", "w", encoding="utf-8")
    process = subprocess.Popen(["ardour7-lua", "ask.lua"], cwd=place.folder,
                               env=place.env, stdin=subprocess.DEVNULL,
                               stdout=log, stderr=subprocess.STDOUT,
                               start_new_session=True)
    until = time.monotonic() + 120
    while (process.poll() is None and not done.exists()
           and time.monotonic() < until):
        time.sleep(0.2)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    log.close()
    return done.exists(), (place.folder / "lua.log").read_text()


def make(place, session, rate):
    """When it adds a track, the dummy engine now and then takes the name of a
    port for taken, and aborts: then it is asked again."""
    words = {"dir": session, "rate": rate, "uri": URI, "preset": "export",
             "wait": 3 if place.is_toy else 10}
    for _ in range(TRIES):
        shutil.rmtree(session, ignore_errors=True)
        done, said = ask(place, MAKE % words)
        if "Port already exists" not in said:
            break
    assert done, said
    done, said = ask(place, AGAIN % words)
    assert done, said


def export(place, session, name, **env):
    """It hangs now and then when it closes the session: see ask."""
    out = place.folder / f"{name}.wav"
    for last in (False, False, True):
        try:
            place.run("ardour7-export", "-o", out, "-b", "float", session,
                      "voice", timeout=90, **env)
            return read_wav(out)
        except subprocess.TimeoutExpired:
            if last:
                raise


def check_rate(place, rate):
    session = place.folder / f"session-{rate}"
    if not place.is_toy:
        place.start_daemon(sys.argv[2])
    make(place, session, rate)
    flacs = list(session.rglob("phrase-*.flac"))
    assert len({f.name for f in flacs}) == len(PHRASES), flacs
    xml = session / "voice.ardour"
    text = xml.read_text()
    place_of = ('<Location id="990001" name="session" start="a0" end="a%d" '
                'flags="IsSessionRange" locked="0" timestamp="0" cue="0"/>'
                % (SECONDS * SUPERCLOCK))
    text = re.sub(r"<Locations/>",
                  f"<Locations>{place_of}</Locations>", text)
    assert place_of in text
    xml.write_text(text)

    first = export(place, session, "first")
    second = export(place, session, "second")
    place.stop_daemon()
    away = export(place, session, "away", CHATTERBOX_TOY_AWAY="1")
    assert first[0] == rate, first[0]
    assert first[2] == second[2], "two exports differ"
    assert first[2] == away[2], "an export without a daemon differs"

    want = [0.0] * (SECONDS * rate)
    for at, phrase in PHRASES:
        for i, x in enumerate(place.rendered(phrase, SEED, rate)):
            want[at * rate + i] += x
    # The mono voice goes through the pan law of Ardour's stereo track: one
    # gain for all frames.
    top = max(range(len(want)), key=lambda i: abs(want[i]))
    gain = first[2][top] / want[top]
    assert 0.5 < gain < 1.1, gain
    off = max(abs(x - gain * y) for x, y in zip(first[2], want))
    print(f"{rate} Hz: gain {gain:.6f}, the largest difference {off:.2e}")
    assert off <= 2 ** -22, off
    assert sum(x != 0 for x in want) > rate // 4


def main():
    need("ardour7-lua", "ardour7-export")
    with Place(sys.argv[1], toy=len(sys.argv) < 3) as place:
        place.preset("export", SCRIPT, SEED)
        for rate in (44100, 48000):
            check_rate(place, rate)


if __name__ == "__main__":
    main()
