"""A private speech-dispatcher, PipeWire and screen for the tests under the
label `hosts`. Everything lives in one folder and ends with it.

The packages' Python modules (speechd) belong to Debian's interpreter, so these
tests run under /usr/bin/python3.
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def needs(*programs):
    """Ends as skipped where one is missing."""
    for program in programs:
        if not shutil.which(program):
            print(f"skipped: {program} is not installed "
                  "(tools/packages.sh hosts)", file=sys.stderr)
            sys.exit(77)


def listens(where):
    """Whether somebody does at a port or Unix socket."""
    kind = socket.AF_INET if isinstance(where, int) else socket.AF_UNIX
    address = ("127.0.0.1", where) if isinstance(where, int) else str(where)
    with socket.socket(kind) as s:
        return s.connect_ex(address) == 0


class Host:
    """A folder, an environment of its own, and what was started in it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cbx-hosts-"))
        self.run = self.folder / "run"
        self.home = self.folder / "home"
        for path in (self.run, self.home / ".local/share",
                     self.home / ".config"):
            path.mkdir(parents=True)
        self.run.chmod(0o700)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.home),
                    "XDG_RUNTIME_DIR": str(self.run), "LC_ALL": "C.UTF-8",
                    "JACK_NO_START_SERVER": "1"}
        self.started = []

    def close(self):
        for process in reversed(self.started):
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + 5
        for process in reversed(self.started):
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *args, wait=0, name=None, **env):
        log = open(self.folder / f"{name or pathlib.Path(args[0]).name}.log",
                   "ab")
        process = subprocess.Popen(
            [str(a) for a in args], env={**self.env, **env}, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True)
        log.close()
        self.started.append(process)
        time.sleep(wait)
        return process

    def command(self, *args, timeout=60, stdin="", **env):
        return subprocess.run([str(a) for a in args], env={**self.env, **env},
                              cwd=self.folder, capture_output=True, text=True,
                              timeout=timeout, check=False, input=stdin)

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @staticmethod
    def until(true, seconds=20, step=0.05):
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                return False
            time.sleep(step)
        return True

    def daemon(self, program):
        """chatterboxd, where there is one: the module would start it itself,
        but then it would outlive us."""
        if program:
            self.start(program, name="chatterboxd")
            path = self.run / "chatterbox" / "control.sock"
            assert self.until(lambda: listens(path)), self.log("chatterboxd")

    # -- sound -------------------------------------------------------------------

    def pipewire(self, frames=128):
        """A private PipeWire with one sink that goes nowhere, `ttsnull`."""
        bus = f"unix:path={self.run}/bus"
        self.env["DBUS_SESSION_BUS_ADDRESS"] = bus
        self.start("dbus-daemon", "--session", f"--address={bus}", "--nofork",
                   wait=.3)
        self.start("pipewire", wait=.6)
        self.start("wireplumber", wait=.8)
        self.start("pipewire-pulse", wait=.8)
        self.env["PULSE_SERVER"] = f"unix:{self.run}/pulse/native"
        self.command("pw-cli", "create-node", "adapter",
                     "{ factory.name=support.null-audio-sink node.name=ttsnull"
                     " media.class=Audio/Sink object.linger=true"
                     " audio.position=[FL FR] priority.session=1000 }")
        self.command("pw-metadata", "-n", "settings", "0",
                     "clock.force-quantum", frames)
        return self.until(lambda: "ttsnull" in self.command("pw-cli", "ls",
                                                            "Node").stdout)

    # -- speech-dispatcher -------------------------------------------------------

    def speech_dispatcher(self, module, module_conf="", sound="alsa", tee=True,
                          port=None):
        """Starts it with one module, `chatterbox`. With tee, what goes
        between the two is written to `transcript`."""
        conf = self.folder / "conf"
        (conf / "modules").mkdir(parents=True)
        binaries = self.folder / "mod"
        binaries.mkdir()
        self.transcript = self.folder / "transcript"
        if tee:
            (binaries / "sd_chatterbox").write_text(
                f"#!/bin/sh\nexec /usr/bin/python3 {HERE}/tee.py "
                f"{self.transcript} {module} \"$@\"\n")
            (binaries / "sd_chatterbox").chmod(0o755)
        else:
            (binaries / "sd_chatterbox").symlink_to(module)
        (conf / "modules" / "chatterbox.conf").write_text(module_conf)
        (conf / "speechd.conf").write_text(
            'LogLevel 4\nLogDir "default"\nDefaultVolume 100\n'
            'SymbolsPreproc "char"\nSymbolsPreprocFile "symbols.dic"\n'
            f'AudioOutputMethod "{sound}"\nAudioPulseDevice "default"\n'
            'AddModule "chatterbox" "sd_chatterbox" "chatterbox.conf"\n'
            "DefaultModule chatterbox\n")
        (self.home / ".asoundrc").write_text(
            "pcm.nullout { type null }\n"
            'pcm.!default { type plug slave.pcm "nullout" }\n')
        (self.run / "speech-dispatcher").mkdir(exist_ok=True)
        path = self.run / "speech-dispatcher" / "speechd.sock"
        (self.folder / "log").mkdir(exist_ok=True)
        where = (["-c", "inet_socket", "-p", port] if port else
                 ["-c", "unix_socket", "-S", path])
        self.start("speech-dispatcher", "-s", "-t", "0", "-l", "4", "-C", conf,
                   "-m", binaries, "-L", self.folder / "log", "-P",
                   self.run / "spd.pid", *where)
        self.env["SPEECHD_ADDRESS"] = (f"inet_socket:127.0.0.1:{port}" if port
                                       else f"unix_socket:{path}")
        # spd-say would start a server of its own where it finds none
        return (self.until(lambda: listens(port or path)) and
                "chatterbox" in self.command("spd-say", "-O").stdout)
