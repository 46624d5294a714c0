/* Where sentences end and where long ones are cut. */
#include "tests/text/splitting.h"

typedef struct pair {
    const char *text, *want;
} pair;

static void expect_each(const pair *p, size_t n, int max_chars)
{
    for (size_t i = 0; i < n; i++)
        expect_split(p[i].text, max_chars, false, p[i].want);
}

#define EXPECT_EACH(list, max) \
    expect_each(list, sizeof(list) / sizeof *(list), max)

static void sentences_end_at_their_marks(void)
{
    static const pair cases[] = {
        {"One. Two! Three? Four", "One.<.>Two!<.>Three?<.>Four<.>"},
        {"hello there. how are you?", "hello there.<.>how are you?<.>"},
        {"Wait... What?! Yes.", "Wait...<.>What?!<.>Yes.<.>"},
        {"He said \"Go.\" She went.", "He said \"Go.\"<.>She went.<.>"},
        {"(It rained.) We left.", "(It rained.)<.>We left.<.>"},
        {"\"Stop!\" he said. So", "\"Stop!\" he said.<.>So<.>"},
        {"And so ... it goes. On", "And so ... it goes.<.>On<.>"},
        {"It is 3.14 or 1.000,5. See www.a.org/b.c for it.",
         "It is 3.14 or 1.000,5.<.>See www.a.org/b.c for it.<.>"},
        {"   \t ", ""},
        {"", ""},
    };
    EXPECT_EACH(cases, 92);
}

static void abbreviations_and_initials_do_not_end_a_sentence(void)
{
    static const pair cases[] = {
        {"Mr. and Mrs. Smith met Dr. No. They ran.",
         "Mr. and Mrs. Smith met Dr. No.<.>They ran.<.>"},
        {"See e.g. Paris, i.e. France. Yes.",
         "See e.g. Paris, i.e. France.<.>Yes.<.>"},
        {"Pens, ink etc. are here. Paper etc. We go.",
         "Pens, ink etc. are here.<.>Paper etc.<.>We go.<.>"},
        {"No. 5 is up. No. Never.", "No. 5 is up.<.>No.<.>Never.<.>"},
        {"J. R. R. Tolkien and George W. Bush. Yes.",
         "J. R. R. Tolkien and George W. Bush.<.>Yes.<.>"},
        {"Take vitamin C. Then rest.", "Take vitamin C.<.>Then rest.<.>"},
        {"So did I. Then we left.", "So did I.<.>Then we left.<.>"},
        {"The U.S. Army. At 5 p.m. we eat. At 6 p.m. You go.",
         "The U.S. Army.<.>At 5 p.m. we eat.<.>At 6 p.m.<.>You go.<.>"},
        {"1. First point. 2. Second one.",
         "1. First point.<.>2. Second one.<.>"},
        {"It was 1984. Then came 1985.", "It was 1984.<.>Then came 1985.<.>"},
        {"St. James vs. King's. Fig. 3 shows. Vol. Two.",
         "St. James vs. King's.<.>Fig. 3 shows.<.>Vol.<.>Two.<.>"},
    };
    EXPECT_EACH(cases, 92);
}

static void line_breaks_end_a_paragraph(void)
{
    static const pair cases[] = {
        {"A title\nSome text.\n\nMore", "A title</>Some text.</>More<.>"},
        {"One. \r\nTwo.", "One.</>Two.<.>"},
        {"a\u2029b\fc", "a</>b</>c<.>"},
    };
    EXPECT_EACH(cases, 92);
    expect_split("wrapped at\neighty. And\nso on\n \n next\n", 92, true,
                 "wrapped at eighty.<.>And so on</>next<.>");
}

static void other_scripts_have_their_own_marks(void)
{
    static const pair cases[] = {
        {"你好。世界！是吗？好", "你好。<.>世界！<.>是吗？<.>好<.>"},
        {"「你好。」他说。", "「你好。」<.>他说。<.>"},
        {"नमस्ते। कैसे हो?", "नमस्ते।<.>कैसे हो?<.>"},
        {"مرحبا؟ نعم۔ لا", "مرحبا؟<.>نعم۔<.>لا<.>"},
    };
    EXPECT_EACH(cases, 92);
}

static void long_sentences_are_cut_at_the_best_place(void)
{
    static const pair cases[] = {
        {"we walked along the old canal; nobody spoke for an hour.",
         "we walked along the old canal;<,>nobody spoke for an hour.<.>"},
        {"the red house, which was empty, stood by the river.",
         "the red house, which was empty,<,>stood by the river.<.>"},
        {"we went to the market and bought some very good bread.",
         "we went to the market<_>and bought some very good bread.<.>"},
        {"one two three four five six seven eight nine ten.",
         "one two three four five<_>six seven eight nine ten.<.>"},
        {"the dog — a large one — ran over the wet hills.",
         "the dog — a large one —<,>ran over the wet hills.<.>"},
        {"the dog—which was large—ran over the wet hills.",
         "the dog—which was large—<,>ran over the wet hills.<.>"},
    };
    EXPECT_EACH(cases, 40);
    expect_split("第一章，我们从这里开始走路，然后我们一直走到了很远很远的地方"
                 "，最后回家。",
                 24, false,
                 "第一章，我们从这里开始走路，<,>"
                 "然后我们一直走到了很远很远的地方，最后回家。<.>");
    expect_split("abcdefghijklmnopqrstuvwxyzabcdefghijklm", 20, false,
                 "abcdefghijklmnopqrst<_>uvwxyzabcdefghijklm<.>");
    expect_split("well-known-words-without-a-space-in-them", 20, false,
                 "well-known-words-<_>without-a-<_>space-in-them<.>");
    /* a mark stays with its letter */
    expect_split("aaaaaaaaaae\u0301bbbbbbbbbb", 20, false,
                 "aaaaaaaaaa<_>e\u0301bbbbbbbbbb<.>");
}

int main(void)
{
    sentences_end_at_their_marks();
    abbreviations_and_initials_do_not_end_a_sentence();
    line_breaks_end_a_paragraph();
    other_scripts_have_their_own_marks();
    long_sentences_are_cut_at_the_best_place();
    return 0;
}
