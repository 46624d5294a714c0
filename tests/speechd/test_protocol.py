#!/usr/bin/env python3
"""The module's protocol, with a client that needs no daemon (fake_client.c):
the level of a sample says which word it belongs to.

Usage: test_protocol.py MODULE
"""
import os
import pathlib
import random
import sys
import tempfile
import unittest

from module import Module, marks, pcm

PROGRAM = None
SPEAK = "<speak>%s</speak>"


class Case(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="chatterbox-speechd-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.module = None

    def start(self, conf="PrepareCommonWords Off\n"):
        (self.folder / "chatterbox.conf").write_text(conf)
        self.daemon("there")
        env = {k: v for k, v in os.environ.items()
               if k == "PATH" or k.endswith("SAN_OPTIONS")}
        env.update(HOME=str(self.folder), FAKE_CONTROL=str(self.folder / "is"),
                   FAKE_LOG=str(self.folder / "said"))
        self.module = Module(PROGRAM, self.folder / "chatterbox.conf", env=env)
        self.addCleanup(self.module.close)
        self.module.initialize()
        return self.module

    def daemon(self, state):
        """there, away, silent or refuse"""
        (self.folder / "new").write_text(state)
        (self.folder / "new").rename(self.folder / "is")

    def said(self):
        """What the daemon was asked for since the last call: voice, language,
        speed, pitch, markup, text."""
        path = self.folder / "said"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [x.split("|", 5) for x in lines]

    def texts(self):
        return [x[5] for x in self.said()]

    def words(self, events):
        """The words that are heard, by number, with the marks between."""
        heard = []
        for e in events:
            if e.code == 700:
                heard.append(e.lines[0])
            for level in (e.pcm or []):
                if abs(level) > 50 and (not heard or heard[-1] != level - 100):
                    heard.append(level - 100)
        return heard


class Setting(Case):
    def test_it_quits_when_asked(self):
        m = self.start()
        m.send("QUIT\n")
        m.expect(210)
        self.assertEqual(m.process.wait(10), 0)

    def test_it_ends_with_the_server(self):
        m = self.start()
        m.process.stdin.close()
        self.assertEqual(m.process.wait(10), 0)
        m.process.stdin = open(os.devnull, "wb")

    def test_sound_goes_through_the_server_only(self):
        m = self.start()
        m.send("AUDIO\n")
        m.expect(207)
        m.send("audio_output_method=pulse,alsa\n.\n")
        m.expect(300)

    def test_it_lists_voices_without_a_daemon(self):
        m = self.start()
        self.daemon("away")
        m.send("LIST VOICES\n")
        lines = m.expect(200).lines
        self.assertEqual(lines[-1], "OK VOICE LIST SENT")
        self.assertGreater(len(lines), 1)
        for line in lines[:-1]:
            self.assertEqual(len(line.split("\t")), 3)

    def test_bad_settings_are_refused_and_change_nothing(self):
        m = self.start()
        self.assertEqual(m.set(rate=50).code, 203)
        for key, value, code in (("rate", "fast", 303), ("rate", "101", 303),
                                 ("pitch", "", 303), ("voice", "robot", 303),
                                 ("spelling_mode", "2", 303),
                                 ("language", "x" * 100, 303)):
            self.assertEqual(m.set(**{"rate": -90, key: value}).code, code, key)
        m.send("SET\n")
        m.expect(203)
        m.send("rate\n.\n")
        m.expect(302)
        m.speak("one")
        self.assertEqual(self.said()[0][2], f"{3.5 ** 0.5:.4f}")

    def test_settings_of_a_newer_server_are_passed_over(self):
        self.assertEqual(self.start().set(mood="cheerful").code, 203)

    def test_a_broken_configuration_is_named_and_the_rest_counts(self):
        m = self.start('PrepareCommonWords Off\nFastestSpeed 9\nNoSuchKey 1\n'
                       'DefaultVoice "unclosed\nAddVoice "de" "MALE1" "hans"\n')
        m.set(language="de-at")
        m.speak("eins")
        self.assertEqual(self.said()[0][:2], ["hans", "de"])
        log = m.log()
        for line in (2, 3, 4):
            self.assertIn(f"chatterbox.conf:{line}:", log)
        self.assertNotIn("chatterbox.conf:5:", log)

    def test_rate_pitch_and_voice_reach_the_daemon(self):
        m = self.start('PrepareCommonWords Off\nFastestSpeed 3\n'
                       'AddVoice "en" "FEMALE2" "jane"\n')
        for values, want in (
                (dict(), ["", "en", 1, 0]), (dict(rate=100), ["", "en", 3, 0]),
                (dict(rate=-100), ["", "en", .5, 0]),
                (dict(pitch=50), ["", "en", 1, 6]),
                (dict(pitch=-100), ["", "en", 1, -12]),
                (dict(voice="female2"), ["jane", "en", 1, 0]),
                (dict(voice="child_male"), ["", "en", 1, 4]),
                (dict(voice="child_male", pitch=100), ["", "en", 1, 12]),
                (dict(synthesis_voice="slt", voice="female2"),
                 ["slt", "en", 1, 0]),
                (dict(language="pt-br"), ["", "pt", 1, 0]),
                (dict(language="NULL"), ["", "", 1, 0])):
            m.set(**values)
            m.speak("something longer than what is kept in the memory of it")
            got = self.said()[0]
            self.assertEqual([got[0], got[1], float(got[2]), float(got[3])],
                             want, values)

    def test_volume_is_linear_and_full_volume_is_untouched(self):
        m = self.start()
        for volume, level in ((100, 100), (0, 50), (-100, 0)):
            m.set(volume=volume)
            self.assertEqual(max(pcm(m.speak("one"))), level)


class Speaking(Case):
    def test_begin_comes_before_sound_and_end_after_it(self):
        m = self.start()
        m.set()
        events = m.speak(SPEAK % "one two")
        self.assertEqual(events[-1].code, 702)
        self.assertEqual(self.words(events), [0, 1])
        self.assertIsNone(m.message(0.1))

    def test_the_first_block_is_short_and_none_is_long(self):
        events = [e for e in self.start().speak("word " * 50) if e.pcm]
        self.assertTrue(480 <= len(events[0].pcm) <= 960)
        self.assertTrue(all(e.rate == 24000 for e in events))
        self.assertLessEqual(max(len(e.pcm) for e in events), 5000)

    def test_silence_around_speech_is_left_out(self):
        sound = pcm(self.start().speak("one two"))
        self.assertEqual(sound[0], 0)
        self.assertEqual(sound[1], 100)
        self.assertEqual(len(sound), 1 + 2400 + 480 + 2400 + 480)

    def test_bytes_that_are_escaped_arrive_as_they_were(self):
        # level 100 + 25 = 0x7d, and 0x0a in both bytes' places
        events = self.start().speak(" ".join(["w"] * 30))
        self.assertEqual(self.words(events), list(range(30)))

    def test_marks_come_once_and_in_order_at_their_words(self):
        m = self.start()
        text = ('<speak><mark name="0:6"/>Screen <mark name="7:13"/>reader '
                '<mark name="14:17"/>on.<mark name="__spd_0"/></speak>')
        for _ in range(2):  # from the daemon, and from memory
            self.assertEqual(self.words(m.speak(text)),
                             ["0:6", 0, "7:13", 1, "14:17", 2, "__spd_0"])
        self.assertEqual(self.texts(), ["Screen reader on."])

    def test_many_marks_at_one_place_keep_their_order(self):
        names = [f"m{i}" for i in range(500)]
        text = "one " + "".join(f"<mark name='{n}'/>" for n in names) + "two"
        events = self.start().speak(SPEAK % text)
        self.assertEqual(self.words(events), [0, *names, 1])

    def test_marks_without_text_come_too(self):
        events = self.start().speak('<speak><mark name="a"/> <mark name="b"/>'
                                    '</speak>')
        self.assertEqual(marks(events), ["a", "b"])
        self.assertEqual(events[-1].code, 702)

    def test_nothing_to_say_begins_and_ends(self):
        for text in ("", "<speak></speak>", "<speak> \n </speak>"):
            events = self.start().speak(text)
            self.assertEqual([e.code for e in events], [702], text)

    def test_tags_and_entities_are_not_read_aloud(self):
        m = self.start()
        for text, want in (
                ("a &lt; b &amp; c &gt; d", "a < b & c > d"),
                ("one<!-- not <this> --> two", "one two"),
                ("one <![CDATA[<b> &amp;]]> two", "one <b> &amp; two"),
                ("2 < 3 and 4 > 3", "2 < 3 and 4 > 3"),
                ("a &nosuch; b", "a &nosuch; b"),
                ("caf&#233; &#x41;bc", "caf\u00e9 Abc"),
                ('<?xml version="1.0"?>hello there', "hello there"),
                ("tab\tand\rreturn", "tab and return")):
            m.speak(SPEAK % text)
            self.assertEqual(self.texts(), [want])

    def test_other_ssml_goes_to_the_engine_as_it_is(self):
        text = ('<speak>one <prosody rate="fast"><mark name="x"/>two</prosody>'
                ' three<mark name="y"/></speak>')
        m = self.start()
        self.assertEqual(self.words(m.speak(text)), [0, "x", 1, 2, "y"])
        self.assertEqual([x[4:] for x in self.said()], [["1", text]])

    def test_a_line_of_dots_is_undoubled(self):
        m = self.start()
        m.speak("one\n..two\n...")
        self.assertEqual(self.said()[0][5], "one")
        m.speak("..well then")
        self.assertEqual(self.texts(), [".well then"])

    def test_text_in_several_writes_is_one_text(self):
        m = self.start()
        for part in ("SPE", "AK\n<speak>one", " two\nthree</sp", "eak>\n", "."):
            m.send(part)
            self.assertIn(m.message(0.05) is None, (True, False))
        m.send("\n")
        m.expect(200)
        m.expect(701)
        self.assertEqual(self.words(m.rest()), [0, 1, 2])

    def test_a_megabyte_of_text_is_spoken(self):
        m = self.start()
        m.begin("word " * 200000)
        m.expect(705)
        m.send("STOP\n")
        while m.expect(705, 703).code != 703:
            pass

    def test_a_voice_that_is_not_there_is_replaced(self):
        m = self.start()
        m.set(synthesis_voice="nobody")
        events = m.speak("one two")
        self.assertEqual(events[-1].code, 702)
        self.assertEqual(self.words(events), [0, 1])
        self.assertIn("nobody", m.log())


class Words(Case):
    def said_for(self, m, text, command="SPEAK", **settings):
        m.set(**settings)
        m.speak(text, command)
        return self.texts()

    def test_single_characters_are_named(self):
        m = self.start()
        for text, want in (("a", "ay"), ("7", "seven"), ("space", "space"),
                           ("B", "bee"), ("[", "left bracket"),
                           ("\u00e9", "\u00e9")):
            self.assertEqual(self.said_for(m, text, "CHAR"), [want])
        self.assertEqual(
            self.said_for(m, '<speak><mark name="0:1"/>q </speak>'), ["cue"])

    def test_other_languages_have_characters_as_they_are(self):
        m = self.start()
        self.assertEqual(self.said_for(m, "a", "CHAR", language="de"), ["a"])

    def test_a_character_is_one_line(self):
        m = self.start()
        m.ask("a\nb", "CHAR")
        m.expect(305)

    def test_keys_are_named(self):
        m = self.start()
        for key, want in (("control_alt_b", "control alt bee"), ("f12", "F 12"),
                          ("prior", "page up"), ("kp-enter", "keypad enter"),
                          ("shift_a", "shift ay"), ("space", "space"),
                          ("double-quote", "quote"), ("fancy", "fancy"),
                          ("escape", "escape"), ("underscore", "underscore")):
            self.assertEqual(self.said_for(m, key, "KEY"), [want])

    def test_spelling_says_one_character_after_the_other(self):
        m = self.start()
        text = '<speak>ab <mark name="m"/>c1<mark name="n"/></speak>'
        m.set(spelling_mode="on")
        self.assertEqual(marks(m.speak(text)), ["m", "n"])
        self.assertEqual(self.texts(), ["ay", "bee", "see", "one"])
        self.assertEqual(marks(m.speak(text)), ["m", "n"])
        self.assertEqual(self.texts(), [])  # from memory

    def test_punctuation_is_spoken_as_asked(self):
        m = self.start()
        text = "well, (a+b) is 5% more."
        for mode, want in (
                ("none", "well, (a+b) is 5% more."),
                ("some", "well, (a plus b) is 5 percent  more."),
                ("most", "well, ( left paren a plus b right paren"),
                ("all", "well comma,  ")):
            got = self.said_for(m, SPEAK % text, punctuation_mode=mode)[0]
            if mode in ("none", "some"):
                self.assertEqual(got, want)
        for mode, names in (("none", []), ("some", ["plus", "percent"]),
                            ("most", ["left paren", "plus", "percent"]),
                            ("all", ["comma", "left paren", "plus", "dot"])):
            got = self.said_for(m, SPEAK % (text + " x"),
                                punctuation_mode=mode)[0]
            for name in ("comma", "left paren", "plus", "percent", "dot"):
                self.assertEqual(name in got, name in names or
                                 (name == "percent" and mode != "none"),
                                 (mode, name, got))

    def test_capitals_are_announced(self):
        m = self.start()
        text = '<speak><mark name="a"/>Hello World and iPhone</speak>'
        self.assertEqual(self.said_for(m, text, cap_let_recogn="spell"),
                         ["capital Hello capital World and iPhone"])
        self.assertEqual(self.said_for(m, "B", "CHAR", cap_let_recogn="spell"),
                         ["capital bee"])
        m.set(cap_let_recogn="icon")
        plain = len(pcm(m.speak(text)))
        self.assertEqual(self.texts(), ["Hello World and iPhone"])
        m.set()
        self.assertEqual(plain - len(pcm(m.speak(text))), 2 * 24000 // 25)

    def test_icons_are_played_by_the_server_or_spoken(self):
        icons = self.folder / "icons"
        icons.mkdir()
        (icons / "bell.wav").write_bytes(b"RIFF")
        m = self.start(f'PrepareCommonWords Off\nSoundIconFolder "{icons}"\n')
        events = m.speak("bell", "SOUND_ICON")
        self.assertEqual([e.code for e in events], [706, 702])
        self.assertEqual(events[0].lines[0], str(icons / "bell.wav"))
        for name in ("../icons/bell", "no-such_icon"):
            events = m.speak(name, "SOUND_ICON")
            self.assertNotIn(706, [e.code for e in events])
        self.assertEqual(self.texts()[1], "no such icon")


class Stopping(Case):
    def test_stop_ends_speech_at_once(self):
        m = self.start()
        m.begin("word " * 1000)
        m.expect(705)
        m.send("STOP\n")
        events = m.rest()
        self.assertEqual(events[-1].code, 703)
        self.assertLess(len(pcm(events)), 1000 * 2880 // 2)
        self.assertEqual(m.speak("one")[-1].code, 702)

    def test_stop_while_nothing_is_spoken_is_silent(self):
        m = self.start()
        m.send("STOP\nPAUSE\nSTOP\n")
        self.assertIsNone(m.message(0.1))
        self.assertEqual(m.speak("one")[-1].code, 702)

    def test_stop_while_no_sound_comes(self):
        m = self.start()
        self.daemon("silent")
        m.begin("one two three", silent=True)
        m.send("STOP\n")
        m.expect(701)
        self.assertEqual([e.code for e in m.rest()], [703])
        self.daemon("there")
        self.assertEqual(self.words(m.speak("four five")), [0, 1])

    def test_stop_while_the_server_takes_nothing(self):
        m = self.start()
        m.begin("word " * 5000)
        m.send("STOP\nSET\n")
        codes = [m.message().code for _ in range(2)]
        while codes[-1] != 203:
            codes.append(m.message().code)
        self.assertEqual(codes[-2:], [703, 203])
        m.send(".\n")
        m.expect(203)

    def test_500_stops_and_each_utterance_ends_once(self):
        m = self.start()
        draw = random.Random(7)
        for i in range(500):
            m.begin(f'<speak><mark name="{i}"/>' + "word " * draw.choice(
                [1, 3, 200]) + "</speak>")
            for _ in range(draw.randrange(3)):
                got = m.expect(700, 705, 702)
                if got.code == 702:
                    break
            else:
                m.send("STOP\n")
                codes = [e.code for e in m.rest()]
                self.assertIn(codes[-1], (702, 703))
        m.send("STOP\n")
        self.assertIsNone(m.message(0.1))

    def test_pause_waits_for_a_mark_of_the_server(self):
        m = self.start()
        text = "".join(f'word <mark name="own{i}"/>word.<mark name="__spd_{i}"'
                       "/> " for i in range(100))
        m.begin(SPEAK % text)
        m.expect(705)
        m.send("PAUSE\n")
        events = m.rest()
        self.assertEqual(events[-1].code, 704)
        self.assertEqual(events[-2].code, 700)
        self.assertTrue(events[-2].lines[0].startswith("__spd_"))
        self.assertEqual(m.speak("one")[-1].code, 702)

    def test_pause_without_a_mark_speaks_to_the_end(self):
        m = self.start()
        m.begin("one two three")
        m.send("PAUSE\n")
        self.assertEqual(m.rest()[-1].code, 702)

    def test_speech_during_speech_is_refused(self):
        m = self.start()
        self.daemon("silent")
        m.begin("one two three", silent=True)
        m.ask("another one")
        m.expect(301)
        m.send("STOP\n")
        m.expect(701)
        m.expect(703)


class Memory(Case):
    def test_short_texts_are_the_same_each_time(self):
        m = self.start()
        m.set(rate=20)
        first = pcm(m.speak("a", "CHAR"))
        self.assertEqual(len(self.texts()), 1)
        self.daemon("away")
        for _ in range(20):
            self.assertEqual(pcm(m.speak("a", "CHAR")), first)
        self.assertEqual(self.texts(), [])

    def test_each_rate_and_voice_has_its_own_sound(self):
        m = self.start()
        lengths = set()
        for rate in (0, 50, 100):
            m.set(rate=rate)
            lengths.add(len(pcm(m.speak("b", "CHAR"))))
            m.set(rate=rate, synthesis_voice="slt")
            m.speak("b", "CHAR")
        self.assertEqual(len(lengths), 3)
        self.assertEqual(len(self.texts()), 6)

    def test_it_stays_within_its_size(self):
        m = self.start("PrepareCommonWords Off\nCacheMegabytes 0.05\n")
        for _ in range(2):
            for c in "abcdefghijklmnop":
                m.speak(c, "CHAR")
        self.assertEqual(len(self.texts()), 32)
        for _ in range(3):
            m.speak("z", "CHAR")
        self.assertEqual(len(self.texts()), 1)

    def test_common_words_are_prepared_in_quiet_times(self):
        m = self.start("")
        m.set(rate=30)
        m.message(2.5)
        prepared = self.texts()
        for word in ("ay", "zee", "seven", "button", "backspace"):
            self.assertIn(word, prepared)
        self.assertEqual(len(prepared), len(set(prepared)))
        self.daemon("away")
        for c in "az09":
            self.assertEqual(m.speak(c, "CHAR")[-1].code, 702)
        self.assertEqual(m.speak('<speak><mark name="0:2"/>OK</speak>')[-1].code,
                         702)


class Away(Case):
    def test_it_says_so_and_recovers(self):
        m = self.start()
        self.daemon("away")
        m.message(0.1)
        m.ask("one two")
        m.expect(301)
        m.ask("one two")
        m.expect(301)
        self.assertIn("not there", m.log())
        self.daemon("there")
        self.assertEqual(self.words(m.speak("one two")), [0, 1])

    def test_stop_before_it_is_decided(self):
        m = self.start()
        self.daemon("away")
        m.message(0.1)
        m.ask("one two")
        m.send("STOP\n")
        m.expect(200)
        m.expect(701)
        m.expect(703)

    def test_a_daemon_that_comes_back_goes_on(self):
        m = self.start()
        m.begin("word " * 40)
        heard = [m.expect(705)]
        self.daemon("away")
        m.message(0.2)
        self.daemon("there")
        heard += m.rest()
        self.assertEqual(heard[-1].code, 702)

    def test_a_daemon_that_stays_away_ends_the_speech(self):
        m = self.start()
        self.daemon("silent")
        m.begin("one two three", silent=True)
        self.daemon("away")
        m.expect(701)
        m.expect(703)
        self.assertIn("went away", m.log())
        self.daemon("there")
        self.assertEqual(m.speak("one two")[-1].code, 702)

    def test_a_refusal_is_an_error_line(self):
        m = self.start()
        self.daemon("refuse")
        m.begin("one two")
        m.expect(703)
        self.assertIn("no voice", m.log())
        self.daemon("there")
        self.assertEqual(m.speak("one two")[-1].code, 702)


class Garbage(Case):
    def test_unknown_commands_are_answered(self):
        m = self.start()
        for line in ("HELLO", "SPEAKER", "x" * 300, "\x01\x02", "STOPP"):
            m.send(line + "\n")
            m.expect(300)
        self.assertEqual(m.speak("one")[-1].code, 702)

    def test_random_bytes_do_no_harm(self):
        m = self.start()
        draw = random.Random(3)
        for _ in range(50):
            m.send_bytes(bytes(draw.randrange(256) for _ in range(2000)))
        m.send("\n.\n")
        while m.message(0.3):
            pass
        m.send("STOP\n")
        while m.message(0.3):
            pass
        self.assertIsNone(m.process.poll())
        m.set()
        self.assertEqual(m.speak("one")[-1].code, 702)

    def test_random_markup_is_spoken_and_its_marks_come_in_order(self):
        m = self.start()
        draw = random.Random(5)
        bits = ["<", ">", "</", "<speak>", "&", "&#", "&#x110000;", "&lt;", '"',
                "'", "<mark", ' name="', "/>", "word", " ", "<!--", "-->",
                "<![CDATA[", "]]>", "<?", "\u00e9", "\U0001f600", "&#0;", "<a b='"]
        for i in range(200):
            text = "".join(draw.choice(bits) for _ in range(draw.randrange(40)))
            text += f'"\'>--> ]]><mark name="last{i}"/> end'
            events = m.speak(text)
            self.assertEqual(events[-1].code, 702, text)
        self.assertIsNone(m.process.poll())

    def test_broken_utf8_and_zeros_are_spoken_round(self):
        m = self.start()
        m.send("SPEAK\n")
        m.expect(202)
        m.send_bytes(b"one \xff\xc3 \x00two \xed\xa0\x80\n.\n")
        m.expect(200)
        m.expect(701)
        self.assertEqual(m.rest()[-1].code, 702)
        self.texts()[0].encode()

    def test_endless_lines_are_cut(self):
        m = self.start()
        m.send("SPEAK\n")
        m.expect(202)
        for _ in range(6):
            m.send("x" * (1 << 20))
        m.send("\n.\n")
        self.assertEqual(m.expect(200, 301).code, 301)
        self.assertEqual(m.speak("one")[-1].code, 702)

    def test_mark_names_cannot_forge_events(self):
        m = self.start()
        events = m.speak('<speak><mark name="a&#10;702 END"/>one</speak>')
        self.assertEqual(marks(events), ["a 702 END"])


if __name__ == "__main__":
    PROGRAM = sys.argv[1]
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
