"""Text in, live speech out: the C library through ctypes.

    import chatterbox

    with chatterbox.Engine() as engine:
        voice = engine.model("builtin").voice()
        for block in voice.speak("Good morning."):   # bytes: mono float32
            ...
        with voice.stream(seed=7, sample_rate=48000) as stream:
            stream.push("Text as it ")
            stream.push("arrives.")
            stream.finish()
            while (block := stream.read()) is not None:
                ...

What is opened here is closed with `close`, with `with`, or with what it was
opened from. Errors are chatterbox.Error with the library's sentence. Each
stream is fed by one thread and read by one; cancel may be called from any.
"""
import ctypes
import ctypes.util
import os
import pathlib

import _chatterbox_abi as abi

__all__ = ["Engine", "Error", "Event", "version", "voices"]

LATENCY = {"lowest": abi.CBX_LATENCY_LOWEST,
           "balanced": abi.CBX_LATENCY_BALANCED,
           "safest": abi.CBX_LATENCY_SAFEST}
FLOW = {"auto": abi.CBX_FLOW_AUTO, "full": abi.CBX_FLOW_FULL,
        "prefix": abi.CBX_FLOW_PREFIX, "causal": abi.CBX_FLOW_CAUSAL}
EVENTS = {getattr(abi, name): name.removeprefix("CBX_EVENT_").lower()
          for name in dir(abi) if name.startswith("CBX_EVENT_")}


class Error(Exception):
    """What, where, what to do; `status` is the library's number."""

    def __init__(self, err):
        super().__init__(err.text.decode("utf-8", "replace"))
        self.status = err.status


def _load():
    given = os.environ.get("CHATTERBOX_LIBRARY")
    if given:
        return ctypes.CDLL(given)
    name = ctypes.util.find_library("chatterbox")
    # Beside the binding, where the prefix is not the linker's.
    prefix = pathlib.Path(__file__).resolve().parents[3]
    for path in [*prefix.glob("lib/libchatterbox.so.*"),
                 *prefix.glob("lib/*/libchatterbox.so.*")]:
        return ctypes.CDLL(str(path))
    if not name:
        raise ImportError("libchatterbox.so was not found: install chatterbox, "
                          "or set CHATTERBOX_LIBRARY to its path")
    return ctypes.CDLL(name)


_lib = _load()
_P, _PP = ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)
_ERR = ctypes.POINTER(abi.cbx_error)
_SEE = ctypes.CFUNCTYPE(None, _P, ctypes.POINTER(abi.cbx_preset))


def _declare(name, result, *arguments):
    function = getattr(_lib, name)
    function.restype, function.argtypes = result, arguments
    return function


_version = _declare("cbx_version", ctypes.c_char_p)
_voices = _declare("cbx_voices", ctypes.c_int, _SEE, _P, _P)
_engine_open = _declare("cbx_engine_open", ctypes.c_int,
                        ctypes.POINTER(abi.cbx_engine_options), _PP, _ERR)
_engine_kernels = _declare("cbx_engine_kernels", ctypes.c_char_p, _P)
_model_open = _declare("cbx_model_open", ctypes.c_int, _P, ctypes.c_char_p, _PP,
                       _ERR)
_model_info = _declare("cbx_model_get_info", None, _P,
                       ctypes.POINTER(abi.cbx_model_info))
_voice_open = _declare("cbx_voice_open", ctypes.c_int, _P, ctypes.c_char_p, _PP,
                       _ERR)
_voice_name = _declare("cbx_voice_name", ctypes.c_char_p, _P)
_voice_params = _declare("cbx_voice_params", None, _P,
                         ctypes.POINTER(abi.cbx_params))
_params_preset = _declare("cbx_params_preset", ctypes.c_int,
                          ctypes.POINTER(abi.cbx_params), ctypes.c_char_p, _ERR)
_stream_open = _declare("cbx_stream_open", ctypes.c_int, _P,
                        ctypes.POINTER(abi.cbx_params), _PP, _ERR)
_push = _declare("cbx_stream_push", ctypes.c_int, _P, ctypes.c_char_p,
                 ctypes.c_size_t, ctypes.POINTER(ctypes.c_size_t), _ERR)
_flush = _declare("cbx_stream_flush", None, _P)
_finish = _declare("cbx_stream_finish", None, _P)
_cancel = _declare("cbx_stream_cancel", None, _P)
_pause = _declare("cbx_stream_pause", None, _P, ctypes.c_bool)
_read = _declare("cbx_stream_read", ctypes.c_uint32, _P, _P, ctypes.c_uint32,
                 ctypes.POINTER(ctypes.c_uint32))
_available = _declare("cbx_stream_available", ctypes.c_uint32, _P)
_ended = _declare("cbx_stream_ended", ctypes.c_bool, _P)
_wait = _declare("cbx_stream_wait", ctypes.c_bool, _P, ctypes.c_int)
_poll = _declare("cbx_stream_poll", ctypes.c_bool, _P,
                 ctypes.POINTER(abi.cbx_event))
_stats = _declare("cbx_stream_get_stats", None, _P,
                  ctypes.POINTER(abi.cbx_stream_stats))


def _open(function, *arguments):
    out, err = _P(), abi.cbx_error()
    if function(*arguments, ctypes.byref(out), ctypes.byref(err)):
        raise Error(err)
    return out


def _text(value):
    return None if value is None else os.fsencode(value)


def _as_dict(structure):
    values = {name: getattr(structure, name) for name, _ in structure._fields_}
    return {name: v.decode("utf-8", "replace") if isinstance(v, bytes) else v
            for name, v in values.items()}


def version():
    return _version().decode()


def voices():
    """A dict for each voice preset that is found."""
    found = []
    _voices(_SEE(lambda _, p: found.append(_as_dict(p.contents))), None, None)
    return found


class _Owned:
    """A handle, closed after everything that was opened from it."""

    _close = None  # name of the C function

    def __init__(self, owner, handle):
        self._handle, self._owner, self._children = handle, owner, []
        if owner is not None:
            owner._children.append(self)

    def close(self):
        while self._children:
            self._children[-1].close()
        if self._handle:
            _declare(self._close, None, _P)(self._handle)
            self._handle = None
        if self._owner is not None and self in self._owner._children:
            self._owner._children.remove(self)

    @property
    def _live(self):
        if not self._handle:
            raise ValueError(f"this {type(self).__name__.lower()} is closed")
        return self._handle

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Engine(_Owned):
    """A device and its decode thread. threads 0: one for each core."""

    _close = "cbx_engine_close"

    def __init__(self, threads=0, kernels=None):
        options = abi.cbx_engine_options(threads=threads,
                                         kernels=_text(kernels))
        super().__init__(None, _open(_engine_open, ctypes.byref(options)))

    @property
    def kernels(self):
        return _engine_kernels(self._live).decode()

    def model(self, name_or_folder="builtin"):
        return Model(self, _open(_model_open, self._live,
                                 _text(name_or_folder)))


class Model(_Owned):
    """A checkpoint's weights."""

    _close = "cbx_model_close"

    @property
    def info(self):
        out = abi.cbx_model_info()
        _model_info(self._live, ctypes.byref(out))
        return _as_dict(out)

    def voice(self, name_or_file=None):
        return Voice(self, _open(_voice_open, self._live,
                                 _text(name_or_file)))


class Voice(_Owned):
    """A speaker, prepared for one model."""

    _close = "cbx_voice_close"

    @property
    def name(self):
        return _voice_name(self._live).decode("utf-8", "replace")

    def params(self, preset=None, **given):
        """The voice's own parameters, then a preset's, then those given."""
        out, err = abi.cbx_params(), abi.cbx_error()
        _voice_params(self._live, ctypes.byref(out))
        if preset and _params_preset(ctypes.byref(out), _text(preset),
                                     ctypes.byref(err)):
            raise Error(err)
        known = {name for name, _ in out._fields_}
        for name, value in given.items():
            if name not in known:
                raise TypeError(f"there is no parameter '{name}'; there are "
                                + ", ".join(sorted(known)))
            table = {"latency": LATENCY, "flow": FLOW}.get(name, {})
            value = table.get(value, value)
            setattr(out, name,
                    value.encode() if isinstance(value, str) else value)
        return out

    def stream(self, preset=None, **params):
        p = self.params(preset, **params)
        return Stream(self, _open(_stream_open, self._live, ctypes.byref(p)))

    def speak(self, text, **params):
        """Blocks of mono float32 samples (bytes), as soon as they are made."""
        with self.stream(**params) as stream:
            left = text.encode() if isinstance(text, str) else text
            while True:
                left = left[stream.push(left):] if left else left
                if not left:
                    stream.finish()
                block = stream.read(timeout=None if not left else 0.1)
                if block is None:
                    break
                if block:
                    yield block
            for event in stream.events():
                if event.kind == "error":
                    raise RuntimeError(event.text)


class Event:
    """kind: "started", "sentence", "ended", ...; the other fields as in
    cbx_event."""

    def __init__(self, e):
        for name, value in _as_dict(e).items():
            setattr(self, name, value)
        self.kind = EVENTS[e.kind]

    def __repr__(self):
        return f"<{self.kind} at {self.frame}>"


class Stream(_Owned):
    """Text going in, sound coming out."""

    _close = "cbx_stream_close"

    def push(self, text):
        """Takes what fits; returns how many bytes of it (UTF-8) that were."""
        data = text.encode() if isinstance(text, str) else text
        taken, err = ctypes.c_size_t(), abi.cbx_error()
        if _push(self._live, data, len(data), ctypes.byref(taken),
                 ctypes.byref(err)):
            raise Error(err)
        return taken.value

    def flush(self):
        _flush(self._live)

    def finish(self):
        _finish(self._live)

    def cancel(self):
        _cancel(self._live)

    def pause(self, on=True):
        _pause(self._live, on)

    def read(self, frames=4096, timeout=None):
        """Up to `frames` samples as bytes of float32; b"" when there were none
        within `timeout` seconds (None: waits); None after the end."""
        while not _ended(self._live):
            n = min(_available(self._live), frames)
            if n:
                return self._take(n)
            ms = 1000 if timeout is None else int(1000 * timeout)
            if not _wait(self._live, ms):
                if timeout is not None:
                    return b""
            elif not _available(self._live):
                return self._take(frames)  # a fade, or the end
        return None

    def _take(self, n):
        out = ctypes.create_string_buffer(4 * n)
        got = _read(self._live, out, n, None)
        return out.raw[:4 * got]

    def events(self):
        """What the listener has reached since the last call."""
        out = abi.cbx_event()
        while _poll(self._live, ctypes.byref(out)):
            yield Event(out)

    @property
    def stats(self):
        out = abi.cbx_stream_stats()
        _stats(self._live, ctypes.byref(out))
        return _as_dict(out)
