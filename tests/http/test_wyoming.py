#!/usr/bin/env python3
"""Wyoming: described, spoken whole and while it is written, cancelled."""
import json
import socket
import unittest

import front


class Client:
    """The protocol, written from its description."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 120)
        self.file = self.socket.makefile("rb")

    def send(self, kind, data=None, apart=False, payload=b""):
        head = {"type": kind}
        more = json.dumps(data).encode() if apart and data else b""
        if data and not apart:
            head["data"] = data
        if more:
            head["data_length"] = len(more)
        if payload:
            head["payload_length"] = len(payload)
        self.socket.sendall(json.dumps(head).encode() + b"\n" + more + payload)

    def receive(self):
        """(type, data, payload), or None at the end."""
        line = self.file.readline()
        if not line:
            return None
        head = json.loads(line)
        data = dict(head.get("data") or {})
        if head.get("data_length"):
            data.update(json.loads(self.file.read(head["data_length"])))
        return (head["type"], data,
                self.file.read(head.get("payload_length") or 0))

    def sound(self, last="audio-stop"):
        """The payload between audio-start and audio-stop."""
        kinds, out = [], b""
        while not kinds or kinds[-1] != last:
            event = self.receive()
            if event is None:
                raise AssertionError(f"it ended after {kinds}")
            kind, data, payload = event
            kinds.append(kind)
            if kind in ("audio-start", "audio-chunk"):
                assert (data["rate"], data["width"],
                        data["channels"]) == (24000, 2, 1), data
            out += payload
        return kinds, out

    def close(self):
        self.file.close()
        self.socket.close()


class Wyoming(front.Case):
    def setUp(self):
        self.client = Client(self.daemon.wyoming)

    def tearDown(self):
        self.client.close()
        self.daemon.wait_for(lambda: self.daemon.busy() == 0)

    def test_it_says_what_it_is(self):
        self.client.send("describe")
        kind, info, _ = self.client.receive()
        self.assertEqual("info", kind)
        program = info["tts"][0]
        self.assertTrue(program["installed"])
        self.assertTrue(program["supports_synthesize_streaming"])
        voice = [v for v in program["voices"] if v["name"] == "slt"][0]
        self.assertEqual(["en"], voice["languages"])
        self.assertIn("attribution", voice)

    def test_ping(self):
        self.client.send("ping", {"text": "x"})
        self.assertEqual(("pong", {"text": "x"}, b""), self.client.receive())

    def test_a_text_is_what_render_writes(self):
        for apart in (False, True):
            self.client.send("synthesize", {"text": front.TEXT}, apart)
            kinds, sound = self.client.sound()
            self.assertEqual("audio-start", kinds[0])
            self.assertEqual({"audio-chunk"}, set(kinds[1:-1]))
            self.assertEqual(front.rendered(), sound)

    def test_a_text_while_it_is_written_is_the_same(self):
        self.client.send("synthesize-start", {"voice": {"name": "slt"}})
        for i in range(0, len(front.TEXT), 5):
            self.client.send("synthesize-chunk",
                             {"text": front.TEXT[i:i + 5]})
        # for servers that cannot stream; not to be spoken twice
        self.client.send("synthesize", {"text": front.TEXT})
        self.client.send("synthesize-stop")
        kinds, sound = self.client.sound("synthesize-stopped")
        self.assertEqual(1, kinds.count("audio-start"))
        self.assertEqual("audio-stop", kinds[-2])
        self.assertEqual(front.rendered(front.TEXT, "--voice", "slt"), sound)

    def test_the_first_sentence_is_heard_before_the_last_is_written(self):
        self.client.send("synthesize-start", {})
        self.client.send("synthesize-chunk",
                         {"text": "This is the first sentence. And this "})
        kinds = [self.client.receive()[0] for _ in range(2)]
        self.assertEqual(["audio-start", "audio-chunk"], kinds)
        self.client.send("synthesize-chunk", {"text": "is the last one."})
        self.client.send("synthesize-stop")
        self.assertEqual("synthesize-stopped",
                         self.client.sound("synthesize-stopped")[0][-1])

    def test_two_texts_follow_each_other(self):
        self.client.send("synthesize", {"text": front.TEXT})
        self.client.send("synthesize", {"text": "Hi."})
        self.assertEqual(front.rendered(), self.client.sound()[1])
        self.assertEqual(front.rendered("Hi."), self.client.sound()[1])

    def test_an_unknown_voice_is_an_error_and_the_connection_goes_on(self):
        self.client.send("synthesize", {"text": "x",
                                        "voice": {"name": "nobody"}})
        kind, data, _ = self.client.receive()
        self.assertEqual("error", kind)
        self.assertIn("unknown voice 'nobody'", data["text"])
        self.client.send("synthesize", {"text": front.TEXT})
        self.assertEqual(front.rendered(), self.client.sound()[1])

    def test_closing_cancels(self):
        before = self.daemon.metric("chatterbox_cancelled_total")
        self.client.send("synthesize", {"text": front.LONG})
        self.assertEqual("audio-start", self.client.receive()[0])
        self.client.close()
        self.daemon.wait_for(lambda: self.daemon.busy() == 0)
        self.assertEqual(before + 1,
                         self.daemon.metric("chatterbox_cancelled_total"))
        self.client = Client(self.daemon.wyoming)

    def test_broken_frames_end_the_connection_and_nothing_else(self):
        for bytes_ in (b"\n", b"{\n", b"[]\n", b'{"type":7}\n',
                       b'{"type":"describe","data_length":-1}\n',
                       b'{"type":"describe","data_length":9999999}\n',
                       b'{"type":"x","data_length":2}\n[]',
                       b'{"type":"x","payload_length":1e9}\n',
                       b"x" * (2 << 20)):
            c = Client(self.daemon.wyoming)
            try:
                c.socket.sendall(bytes_)
                kind, _, _ = c.receive()
                self.assertEqual("error", kind)
                self.assertIsNone(c.receive())
            except ConnectionError:
                pass
            c.close()
        self.client.send("synthesize", {"text": front.TEXT})
        self.assertEqual(front.rendered(), self.client.sound()[1])

    def test_a_payload_is_passed_over(self):
        self.client.send("audio-chunk", {"rate": 1}, payload=b"x" * 70_000)
        self.client.send("ping", {"text": "y"})
        self.assertEqual("pong", self.client.receive()[0])


if __name__ == "__main__":
    unittest.main()
