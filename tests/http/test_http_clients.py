#!/usr/bin/env python3
"""Clients that others wrote: OpenAI's Python package, curl, and Home
Assistant's wyoming package, in a virtual environment below the build folder.
"""
import asyncio
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import front

PACKAGES = ["openai", "wyoming"]
VENV = front.BUILD / "clients-venv"


def in_venv():
    """Runs this file again with the packages at hand."""
    python = VENV / "bin/python"
    stamp = VENV / "ready"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q",
                        "--disable-pip-version-check", *PACKAGES], check=True)
        stamp.touch()
    os.execv(python, [str(python), "-B", __file__, *sys.argv[1:]])


class Curl(front.Case):
    def curl(self, *args):
        return subprocess.run(
            ["curl", "-sS", "--max-time", "60", *args], check=False,
            capture_output=True)

    def test_it_streams_a_wav_file(self):
        url = f"http://localhost:{self.daemon.http}/v1/audio/speech"
        done = self.curl("-N", url, "-d",
                         '{"input": "%s", "response_format": "wav"}'
                         % front.TEXT)
        self.assertEqual((0, b""), (done.returncode, done.stderr))
        self.assertEqual(front.rendered(), done.stdout[44:])

    def test_a_fault_is_a_status(self):
        url = f"http://localhost:{self.daemon.http}/v1/audio/speech"
        done = self.curl("--fail", url, "-d", '{"input": ""}')
        self.assertEqual(22, done.returncode)


class OpenAI(front.Case):
    def setUp(self):
        import openai
        self.openai = openai
        self.client = openai.OpenAI(
            base_url=f"http://127.0.0.1:{self.daemon.http}/v1", api_key="none",
            max_retries=0)

    def test_it_streams(self):
        speech = self.client.audio.speech.with_streaming_response
        with speech.create(model="tts-1", voice="alloy", input=front.TEXT,
                           response_format="pcm") as response:
            sound = b"".join(response.iter_bytes(960))
        self.assertEqual(front.rendered(), sound)

    def test_it_writes_a_file(self):
        answer = self.client.audio.speech.create(
            model="gpt-4o-mini-tts", voice="slt", input=front.TEXT)
        frames, _ = front.decoded(answer.content, ".mp3")
        self.assertGreater(len(frames), 24000)

    def test_it_cancels(self):
        speech = self.client.audio.speech.with_streaming_response
        with speech.create(model="tts-1", voice="alloy", input=front.LONG,
                           response_format="pcm") as response:
            next(response.iter_bytes(960))
        self.daemon.wait_for(lambda: self.daemon.busy() == 0)

    def test_it_understands_our_refusals(self):
        with self.assertRaises(self.openai.BadRequestError) as caught:
            self.client.audio.speech.create(model="tts-1", voice="nobody",
                                            input="x")
        self.assertIn("unknown voice 'nobody'", str(caught.exception))

    def test_it_lists_models(self):
        self.assertIn("builtin", [m.id for m in self.client.models.list()])


class HomeAssistant(front.Case):
    def run_client(self, talk):
        from wyoming.client import AsyncTcpClient

        async def go():
            client = AsyncTcpClient("127.0.0.1", self.daemon.wyoming)
            async with client:
                return await asyncio.wait_for(talk(client), 120)
        return asyncio.run(go())

    @staticmethod
    async def sound(client, last):
        from wyoming.audio import AudioChunk
        out, kind = b"", ""
        while kind != last:
            event = await client.read_event()
            kind = event.type
            if AudioChunk.is_type(kind):
                chunk = AudioChunk.from_event(event)
                assert (chunk.rate, chunk.width, chunk.channels) == (24000, 2,
                                                                     1)
                out += chunk.audio
        return out

    def test_it_reads_the_description(self):
        from wyoming.info import Describe, Info

        async def talk(client):
            await client.write_event(Describe().event())
            return Info.from_event(await client.read_event())
        info = self.run_client(talk)
        self.assertEqual("chatterbox", info.tts[0].name)
        self.assertTrue(info.tts[0].supports_synthesize_streaming)
        self.assertIn("slt", [v.name for v in info.tts[0].voices])

    def test_it_speaks(self):
        from wyoming.tts import Synthesize

        async def talk(client):
            await client.write_event(Synthesize(text=front.TEXT).event())
            return await self.sound(client, "audio-stop")
        self.assertEqual(front.rendered(), self.run_client(talk))

    def test_it_speaks_while_the_text_is_written(self):
        from wyoming.tts import (SynthesizeChunk, SynthesizeStart,
                                 SynthesizeStop)

        async def talk(client):
            await client.write_event(SynthesizeStart().event())
            for word in front.TEXT.split(" "):
                await client.write_event(SynthesizeChunk(word + " ").event())
            await client.write_event(SynthesizeStop().event())
            return await self.sound(client, "synthesize-stopped")
        self.assertEqual(front.rendered(), self.run_client(talk))


if __name__ == "__main__":
    if pathlib.Path(sys.prefix).resolve() != VENV.resolve():
        in_venv()
    if not shutil.which("curl"):
        sys.exit("curl is missing: make check-hosts installs it")
    unittest.main()
