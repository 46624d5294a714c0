#!/usr/bin/env python3
"""HTTP: slow, broken and greedy clients cost others nothing."""
import json
import socket
import threading
import unittest

import front


def body_of(text):
    return json.dumps({"input": text, "response_format": "pcm"}).encode()


def head(length):
    return (b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: " + str(length).encode() + b"\r\n\r\n")


class Hostile(front.Case):
    def raw(self):
        return socket.create_connection(("127.0.0.1", self.daemon.http), 60)

    def others_are_served(self):
        status, _, body = self.daemon.speech()
        self.assertEqual(200, status)
        self.assertEqual(front.rendered(), body)

    def test_a_hundred_megabytes_are_refused_before_they_come(self):
        with self.raw() as s:
            s.sendall(head(100 << 20))
            self.assertIn(b" 413 ", s.recv(4096))
        self.others_are_served()

    def test_an_endless_body_in_chunks_is_refused(self):
        with self.raw() as s:
            s.sendall(b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\n"
                      b"Transfer-Encoding: chunked\r\n\r\n")
            chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
            try:
                for _ in range(100):
                    s.sendall(chunk)
                s.sendall(b"0\r\n\r\n")
                answer = s.recv(4096)
            except OSError:
                answer = b" 413 "  # it was cut off
        self.assertIn(b" 413 ", answer)
        self.others_are_served()

    def test_half_requests_keep_nobody_waiting(self):
        half = [self.raw() for _ in range(40)]
        for i, s in enumerate(half):
            s.sendall([b"POS", b"GET / HTTP/1.1\r\nHost: localh", head(500),
                       head(500) + b'{"input":'][i % 4])
        self.others_are_served()
        for s in half:
            s.close()
        self.others_are_served()

    def test_a_reader_that_sleeps_holds_only_its_own_job(self):
        sleepers = [self.raw() for _ in range(4)]
        for s in sleepers:
            data = body_of(front.LONG)
            s.sendall(head(len(data)) + data)
        self.daemon.wait_for(lambda: self.daemon.busy() == 4)
        self.others_are_served()
        for s in sleepers:
            s.close()
        self.daemon.wait_for(lambda: self.daemon.busy() == 0)

    def test_noise_is_no_request(self):
        for noise in (b"\0" * 1000, b"\xff\xfe\n\n" * 100, b"GET\r\n\r\n",
                      b"{}\n" * 10, b"A" * 100_000):
            with self.raw() as s:
                try:
                    s.sendall(noise + b"\r\n\r\n")
                    s.settimeout(1)
                    s.recv(4096)
                except OSError:
                    pass
        self.others_are_served()

    def test_text_that_is_deep_long_or_odd_is_spoken_or_refused(self):
        for text in ("\0", "a\0b", "." * 5000, "x" * 200_000, "\u202e\U0001f600",
                     "<speak>" * 100):
            body = {"input": text, "response_format": "pcm"}
            c = self.daemon.connection()
            c.request("POST", "/v1/audio/speech", json.dumps(body))
            self.assertIn(c.getresponse().status, (200, 400))
            c.close()
        nested = b'{"input":' + b"[" * 100_000
        self.assertEqual(400, self.daemon.ask("POST", "/v1/audio/speech",
                                              nested)[0])
        self.daemon.wait_for(lambda: self.daemon.busy() == 0)
        self.others_are_served()

    def test_many_at_a_time_and_a_third_leaves(self):
        wanted, wrong = front.rendered(), []

        def one(i):
            try:
                if i % 3 == 0:
                    with self.raw() as s:
                        data = body_of(front.TEXT)
                        s.sendall(head(len(data)) + data)
                        s.recv(100 * i % 2000 + 1)
                elif self.daemon.speech()[2] != wanted:
                    wrong.append(i)
            except OSError as e:
                wrong.append(e)

        threads = [threading.Thread(target=one, args=(i,)) for i in range(24)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual([], wrong)
        self.daemon.wait_for(lambda: self.daemon.busy() == 0)


class Few(front.Case):
    SETTINGS = {"connections": 4}

    def test_beyond_the_limit_connections_are_closed_and_places_come_back(self):
        crowd = [socket.create_connection(("127.0.0.1", self.daemon.http), 60)
                 for _ in range(12)]
        for s in crowd:
            s.close()
        self.daemon.wait_for(lambda: self.daemon.get("/health")[0] == 200)
        self.assertEqual(front.rendered(), self.daemon.speech()[2])


if __name__ == "__main__":
    unittest.main()
