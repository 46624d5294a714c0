/* Scripts: what people write comes back as it was meant, and what is wrong is
 * refused with a sentence that says where. */
#include "plugin/core/script.h"
#include "tests/check.h"

#include <string.h>

static plug_script s;
static cbx_error err;

static void read_ok(const char *text)
{
    plug_script_clear(&s);
    const cbx_status st = plug_script_read(text, strlen(text), 48000, &s, &err);
    if (st)
        fprintf(stderr, "%s\n", err.text);
    CHECK(st == CBX_OK);
}

static void refused(const char *text, cbx_status want, const char *part)
{
    plug_script before = {.count = -7};
    const cbx_status st =
        plug_script_read(text, strlen(text), 48000, &before, &err);
    if (st != want || !strstr(err.text, part))
        fprintf(stderr, "got %d: %s\n", st, err.text);
    CHECK(st == want && strstr(err.text, part));
    CHECK(before.count == -7); /* written on success only */
}

static void a_plain_text_is_one_phrase_at_the_start(void)
{
    read_ok("Good morning.\nIt is seven.\n");
    CHECK(s.count == 1);
    CHECK(s.phrases[0].number == 60 && s.phrases[0].pinned &&
          s.phrases[0].at == 0);
    CHECK(strcmp(s.phrases[0].text, "Good morning.\nIt is seven.") == 0);
    read_ok("");
    CHECK(s.count == 0);
    read_ok(" \n\t\n");
    CHECK(s.count == 0);
}

static void heads_say_number_place_seed_and_voice(void)
{
    read_ok("@61 at 2.5s seed 18446744073709551615 voice \"Anna B\"\r\nTwo.\r\n"
            "@3\nOne.\n@60 voice c at 7\n");
    CHECK(s.count == 3);
    CHECK(s.phrases[0].number == 3 && !s.phrases[0].pinned);
    CHECK(s.phrases[1].number == 60 && s.phrases[1].at == 7 &&
          !*s.phrases[1].text);
    const plug_phrase *p = &s.phrases[2];
    CHECK(p->number == 61 && p->pinned && p->at == 120000 && p->seeded &&
          p->seed == UINT64_MAX && strcmp(p->voice, "Anna B") == 0 &&
          strcmp(p->text, "Two.") == 0);
}

static void text_that_looks_like_a_head_can_be_spoken(void)
{
    read_ok("@60\n\\@7 is not a head\nmail me @home\n\\\\ twice");
    CHECK(s.count == 1);
    CHECK(strcmp(s.phrases[0].text,
                 "@7 is not a head\nmail me @home\n\\ twice") == 0);
}

static void what_is_written_reads_the_same(void)
{
    read_ok("@1 at 96001 seed 4\n\\@2 odd\n\\\\x\n\nlast\n@2 voice \"A B\"\nx");
    char *once = plug_script_text(&s, 48000);
    read_ok(once);
    char *twice = plug_script_text(&s, 48000);
    CHECK(once && twice && strcmp(once, twice) == 0);
    CHECK(s.count == 2 && s.phrases[0].at == 96001 && s.phrases[0].seed == 4 &&
          strcmp(s.phrases[0].text, "@2 odd\n\\x\n\nlast") == 0);
    free(once);
    free(twice);
    read_ok("@1 at 48001\nx\n@2 at 120\nx\n@3 at 96000\nx\n@4 at 24240\nx\n"
            "@5 at 0\nx\n@6 at 0.1s\nx");
    once = plug_script_text(&s, 48000);
    CHECK(once &&
          strcmp(once, "@1 at 48001\nx\n@2 at 120\nx\n@3 at 2s\nx\n"
                       "@4 at 0.505s\nx\n@5 at 0\nx\n@6 at 0.1s\nx\n") == 0);
    free(once);
}

static void places_keep_their_time_at_another_rate(void)
{
    read_ok("@1 at 48000\nx\n@2 at 1\ny");
    plug_script_rescale(&s, 48000, 44100);
    CHECK(s.phrases[0].at == 44100 && s.phrases[1].at == 1);
}

static void faults_are_named(void)
{
    refused("@128\nx", CBX_E_TEXT, "line 1");
    refused("x\n@5 at\ny", CBX_E_TEXT, "line 2");
    refused("@5 at -4\ny", CBX_E_TEXT, "at -4");
    refused("@5 at 1.5\ny", CBX_E_TEXT, "at 1.5");
    refused("@5 at nan\ny", CBX_E_TEXT, "no place");
    refused("@5 at 1e300\ny", CBX_E_TEXT, "no place");
    refused("@5 seed -1\ny", CBX_E_TEXT, "seed");
    refused("@5 sed 1\ny", CBX_E_TEXT, "'sed' is not known");
    refused("@5\na\n@5\nb", CBX_E_TEXT, "twice");
    refused("a\n@60\nb", CBX_E_TEXT, "phrase 60 is there twice");
    refused("@5x\nb", CBX_E_TEXT, "0 to 127");
    CHECK(plug_script_read("a\0b", 3, 48000, &s, &err) == CBX_E_TEXT);
    char *long_text = malloc(1 << 20);
    CHECK(long_text);
    memset(long_text, 'a', 1 << 20);
    CHECK(plug_script_read(long_text, 1 << 20, 48000, &s, &err) == CBX_E_LIMIT);
    CHECK(strstr(err.text, "1048576 bytes"));
    plug_script_clear(&s);
    CHECK(plug_script_read(long_text, 65536, 48000, &s, &err) == CBX_OK);
    memcpy(long_text, "@1 voice ", 9);
    long_text[4000] = '\n';
    CHECK(plug_script_read(long_text, 8000, 48000, &s, &err) == CBX_E_LIMIT);
    free(long_text);
}

int main(void)
{
    a_plain_text_is_one_phrase_at_the_start();
    heads_say_number_place_seed_and_voice();
    text_that_looks_like_a_head_can_be_spoken();
    what_is_written_reads_the_same();
    places_keep_their_time_at_another_rate();
    faults_are_named();
    plug_script_clear(&s);
    return 0;
}
