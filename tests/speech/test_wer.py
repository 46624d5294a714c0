"""The scoring in wer.py, without sound."""

import unittest

import wer


class Scoring(unittest.TestCase):
    def test_words_keep_letters_and_apostrophes(self):
        self.assertEqual(wer.words("Don't stop, NOW!"), ["don't", "stop", "now"])

    def test_equal_sentences_have_no_errors(self):
        self.assertEqual(wer.edits(["a", "b"], ["a", "b"]), 0)

    def test_each_kind_of_error_counts_once(self):
        want = ["the", "cat", "sat"]
        self.assertEqual(wer.edits(want, ["the", "dog", "sat"]), 1)
        self.assertEqual(wer.edits(want, ["the", "sat"]), 1)
        self.assertEqual(wer.edits(want, ["the", "big", "cat", "sat"]), 1)

    def test_silence_misses_every_word(self):
        self.assertEqual(wer.edits(["one", "two"], []), 2)

    def test_a_shifted_sentence_costs_two_edits(self):
        self.assertEqual(wer.edits(["a", "b", "c", "d"], ["b", "c", "d", "e"]), 2)


if __name__ == "__main__":
    unittest.main()
