#!/usr/bin/env python3
"""HTTP: the sound of `render`, while it is made, in every format."""
import base64
import json
import struct
import unittest

import front


class Speech(front.Case):
    def test_pcm_is_what_render_writes(self):
        status, headers, body = self.daemon.speech()
        self.assertEqual(200, status)
        self.assertEqual("audio/pcm", headers["Content-Type"])
        self.assertEqual("24000", headers["X-Sample-Rate"])
        self.assertRegex(headers["Server-Timing"], r"^first;dur=\d+\.\d$")
        self.assertGreater(len(body), 24000)
        self.assertEqual(front.rendered(), body)

    def test_parameters_reach_the_voice(self):
        body = self.daemon.speech(seed=5, temperature=0.8, latency="safest")[2]
        self.assertEqual(front.rendered(front.TEXT, "--seed", "5",
                                        "--temperature", "0.8", "--latency",
                                        "safest"), body)
        self.assertNotEqual(front.rendered(), body)

    def test_wav_has_one_head_and_no_end(self):
        status, headers, body = self.daemon.speech(response_format="wav")
        self.assertEqual((200, "audio/wav"), (status, headers["Content-Type"]))
        self.assertEqual(b"RIFF\xff\xff\xff\xffWAVEfmt ", body[:16])
        self.assertEqual((16, 1, 1, 24000, 48000, 2, 16),
                         struct.unpack("<IHHIIHH", body[16:36]))
        self.assertEqual(b"data\xff\xff\xff\xff", body[36:44])
        self.assertEqual(front.rendered(), body[44:])

    def test_compressed_formats_hold_the_same_sound(self):
        wanted = len(front.rendered()) // 2 / 24000
        for name, kind, slack in (("flac", "audio/flac", 0),
                                  ("opus", "audio/ogg", .1),
                                  ("mp3", "audio/mpeg", .2)):
            with self.subTest(name):
                status, headers, body = self.daemon.speech(
                    response_format=name)
                self.assertEqual((200, kind), (status, headers["Content-Type"]))
                frames, rate = front.decoded(body, "." + name)
                self.assertAlmostEqual(wanted, len(frames) / rate,
                                       delta=slack + 1e-9)
                self.assertGreater(max(frames), 0.1)

    def test_flac_is_bit_exact(self):
        frames, _ = front.decoded(
            self.daemon.speech(response_format="flac")[2], ".flac")
        wanted = front.rendered()
        self.assertEqual(list(memoryview(wanted).cast("h")),
                         [round(x * 32768) for x in frames])

    def test_mp3_is_the_format_where_none_is_named(self):
        status, headers, _ = self.daemon.ask("POST", "/v1/audio/speech",
                                             {"input": "Hi."})
        self.assertEqual((200, "audio/mpeg"), (status, headers["Content-Type"]))

    def test_server_sent_events_carry_the_same_bytes(self):
        status, headers, body = self.daemon.speech(stream_format="sse")
        self.assertEqual(200, status)
        self.assertEqual("text/event-stream", headers["Content-Type"])
        events = [json.loads(part.removeprefix(b"data: "))
                  for part in body.split(b"\n\n") if part]
        self.assertEqual("speech.audio.done", events[-1]["type"])
        self.assertEqual({"speech.audio.delta"},
                         {e["type"] for e in events[:-1]})
        sound = b"".join(base64.b64decode(e["audio"], validate=True)
                         for e in events[:-1])
        self.assertEqual(front.rendered(), sound)

    def test_names_of_openai_mean_the_default(self):
        status, _, body = self.daemon.speech(model="tts-1", voice="alloy")
        self.assertEqual((200, front.rendered()), (status, body))
        status, _, body = self.daemon.speech(voice={"id": "slt"})
        self.assertEqual(200, status)

    def test_the_first_bytes_come_while_the_rest_is_made(self):
        c = self.daemon.connection()
        c.request("POST", "/v1/audio/speech", json.dumps(
            {"input": front.LONG, "response_format": "pcm"}))
        r = c.getresponse()
        self.assertEqual(200, r.status)
        self.assertGreater(len(r.read(960)), 0)
        self.assertEqual(1, self.daemon.busy())
        c.close()
        self.daemon.wait_for(lambda: self.daemon.busy() == 0)

    def test_a_client_that_leaves_cancels(self):
        before = self.daemon.metric("chatterbox_cancelled_total")
        for read in (0, 960, 200_000):
            c = self.daemon.connection()
            c.request("POST", "/v1/audio/speech", json.dumps(
                {"input": front.LONG, "response_format": "pcm"}))
            if read:
                c.getresponse().read(read)
            else:
                self.daemon.wait_for(lambda: self.daemon.busy() == 1)
            c.close()
            self.daemon.wait_for(lambda: self.daemon.busy() == 0)
        self.assertEqual(before + 3,
                         self.daemon.metric("chatterbox_cancelled_total"))

    def test_a_connection_serves_one_request_after_the_other(self):
        c = self.daemon.connection()
        for _ in range(3):
            c.request("POST", "/v1/audio/speech", json.dumps(
                {"input": front.TEXT, "response_format": "pcm"}))
            self.assertEqual(front.rendered(), c.getresponse().read())
        c.close()


class Refusals(front.Case):
    def refused(self, status, sentence, body, method="POST",
                path="/v1/audio/speech", **headers):
        got, _, answer = self.daemon.ask(method, path, body, headers)
        self.assertEqual(status, got, answer)
        error = json.loads(answer)["error"]
        self.assertIn(sentence, error["message"])
        self.assertIn("type", error)

    def test_each_fault_has_its_status_and_one_sentence(self):
        speak = {"input": "x"}
        for status, sentence, body in (
                (400, "input", {}),
                (400, "input", {"input": ""}),
                (400, "input", {"input": 7}),
                (400, "no JSON object", "{"),
                (400, "no JSON object", "[1]"),
                (400, "no JSON object", ""),
                (400, "no JSON object", b'{"input":"\xff"}'),
                (400, "response_format 'aac'",
                 {**speak, "response_format": "aac"}),
                (400, "stream_format", {**speak, "stream_format": "x"}),
                (400, "sample_rate", {**speak, "sample_rate": 1}),
                (400, "sample_rate",
                 {**speak, "response_format": "opus", "sample_rate": 44100}),
                (400, "speed", {**speak, "speed": 9}),
                (400, "speed", {**speak, "speed": "fast"}),
                (400, "seed", {**speak, "seed": -1}),
                (400, "unknown voice 'nobody'", {**speak, "voice": "nobody"}),
                (400, "voice", {**speak, "voice": 3}),
                (400, "unknown model 'none'", {**speak, "model": "none"}),
                (400, "latency", {**speak, "latency": "soon"}),
                (400, "temperature", {**speak, "temperature": -1})):
            with self.subTest(body=body):
                self.refused(status, sentence, body)

    def test_paths_and_methods(self):
        self.refused(404, "nothing here", None, "GET", "/nothing")
        self.refused(404, "nothing here", None, "GET", "/../etc/passwd")
        self.refused(405, "use POST", None, "GET")
        self.refused(405, "use GET", "{}", "POST", "/health")

    def test_pages_from_elsewhere_are_refused(self):
        port = self.daemon.http
        self.refused(403, "this machine only", None, "GET", "/health",
                     Host="evil.example")
        self.refused(403, "from elsewhere", {"input": "x"},
                     Origin="http://evil.example")
        for host in (f"localhost:{port}", f"127.0.0.1:{port}",
                     f"[::1]:{port}"):
            status, _, _ = self.daemon.ask("GET", "/health", None,
                                           {"Host": host,
                                            "Origin": f"http://{host}"})
            self.assertEqual(200, status)


class Lists(front.Case):
    def test_models_and_voices(self):
        models = json.loads(self.daemon.get("/v1/models")[2])
        self.assertEqual("list", models["object"])
        self.assertIn("builtin", [m["id"] for m in models["data"]])
        voices = json.loads(self.daemon.get("/v1/audio/voices")[2])["voices"]
        self.assertIn("slt", [v["id"] for v in voices])
        self.assertNotIn(str(front.SOURCE), json.dumps(voices))

    def test_metrics_are_well_formed_and_count(self):
        before = self.daemon.metric("chatterbox_http_streams_total")
        self.daemon.speech("Hi.")
        self.assertEqual(before + 1,
                         self.daemon.metric("chatterbox_http_streams_total"))
        status, headers, body = self.daemon.get("/metrics")
        self.assertEqual(200, status)
        self.assertIn("version=0.0.4", headers["Content-Type"])
        for line in body.decode().splitlines():
            self.assertRegex(line, r"^(# TYPE chatterbox_\w+ (gauge|counter)"
                                   r"|chatterbox_\w+ [-+0-9.e]+)$")

    def test_the_page_is_whole_and_asks_nobody_else(self):
        for path, kind in (("/", "text/html"), ("/page.js", "text/javascript"),
                           ("/page.css", "text/css")):
            status, headers, body = self.daemon.get(path)
            self.assertEqual(200, status)
            self.assertTrue(headers["Content-Type"].startswith(kind))
            self.assertIn("default-src 'none'",
                          headers["Content-Security-Policy"])
            self.assertNotIn(b"//", body.replace(b"// ", b""))
            name = "index.html" if path == "/" else path[1:]
            self.assertEqual(
                (front.SOURCE / "daemon/http/page" / name).read_bytes(), body)


class Token(front.Case):
    SETTINGS = {"token": "secret"}

    def test_it_is_asked_for(self):
        for given in ({}, {"Authorization": "Bearer wrong"},
                      {"Authorization": "Bearer secretsecret"},
                      {"Authorization": "Bearer "},
                      {"Authorization": "Basic secret"}):
            status, headers, _ = self.daemon.ask("GET", "/v1/models", None,
                                                 given)
            self.assertEqual((401, "Bearer"),
                             (status, headers["WWW-Authenticate"]))
        status, _, _ = self.daemon.ask("GET", "/v1/models", None,
                                       {"Authorization": "Bearer secret"})
        self.assertEqual(200, status)

    def test_the_page_and_health_are_no_secret(self):
        for path in ("/", "/page.js", "/health"):
            self.assertEqual(200, self.daemon.get(path)[0])


if __name__ == "__main__":
    unittest.main()
