/* Dictionaries: what an entry matches, which one counts, files that change. */
#include "models/text/script.h"

#include "tests/check.h"

#include <string.h>
#include <unistd.h>

static char path[64];

static void write_file(const char *text)
{
    char temporary[80];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *f = fopen(temporary, "w");
    CHECK(f && fputs(text, f) >= 0 && !fclose(f));
    CHECK(!rename(temporary, path)); /* another inode: a change is seen */
}

static pronounce *open_dictionary(const char *text, const char *voice,
                                  cbx_error *err)
{
    pronounce *p = NULL;
    write_file(text);
    CHECK(!pronounce_open(voice, &p, NULL));
    if (pronounce_add(p, path, true, err)) {
        pronounce_close(p);
        return NULL;
    }
    return p;
}

static void say(cbx_script *s, const char *text, const char *want)
{
    cbx_segment g;
    size_t taken;
    cbx_script_reset(s);
    CHECK(!cbx_script_push(s, text, strlen(text), &taken, NULL));
    cbx_script_finish(s);
    CHECK(cbx_script_next(s, &g));
    if (strcmp(g.text, want)) {
        fprintf(stderr, "text: %s\ngave: %s\nnot:  %s\n", text, g.text, want);
        exit(1);
    }
}

static cbx_script *open_script(pronounce *p)
{
    const cbx_script_options options = {
        .max_chars = 300, .normalize = true, .english = true, .language = ""};
    cbx_script *s = NULL;
    CHECK(!cbx_script_open(&options, p, &s, NULL));
    return s;
}

static void entries_match_whole_words_and_the_longest_counts(void)
{
    cbx_error err;
    pronounce *p = open_dictionary("\xEF\xBB\xBF# mine\n"
                                   "gif = jif\n"
                                   "New York = Noo York\n"
                                   "New York City = the Big Apple\n"
                                   "=US = United States\n"
                                   "C++ = see plus plus\n"
                                   ".NET = dot net\n"
                                   "km = clicks\n"
                                   "um =\n"
                                   "/(\\d+)er\\b/ = $1 or so\n"
                                   "/v(\\d)\\/(\\d)/ = $2 over $1 $$\n",
                                   "", &err);
    CHECK(p && pronounce_size(p) == 10);
    cbx_script *s = open_script(p);
    say(s, "A GIF, gifs and a gif.", "A jif, gifs and a jif.");
    say(s, "new york city and New  York", "the Big Apple and Noo York");
    say(s, "The US told us.", "The United States told us.");
    say(s, "C++ or .NET?", "see plus plus or dot net?");
    say(s, "It is 5 km on.", "It is five clicks on.");
    say(s, "I um say.", "I say.");
    say(s, "A 30er and v2/3.", "A 30 or so and 3 over 2 $.");
    cbx_script_close(s);
}

static void sections_are_for_languages_and_voices(void)
{
    const char text[] =
        "word = all\n[de]\nword = deutsch\n[en]\nword = english\n"
        "[voice anna]\nword = anna\n[*]\nother = thing\n";
    cbx_error err;
    cbx_script *s = open_script(open_dictionary(text, "anna", &err));
    say(s, "word other", "anna thing");
    cbx_script_close(s);
    s = open_script(open_dictionary(text, "bea", &err));
    say(s, "word other", "english thing");
    cbx_script_close(s);
}

static void a_file_that_changes_is_read_again(void)
{
    cbx_error err;
    cbx_script *s = open_script(open_dictionary("a = one\n", "", &err));
    say(s, "a", "one");
    write_file("a = two\n");
    CHECK(!cbx_script_refresh(s, &err));
    say(s, "a", "two");
    write_file("a three\n"); /* faulty: the old entries stay */
    CHECK(cbx_script_refresh(s, &err) == CBX_E_FORMAT);
    CHECK(strstr(err.text, ":1: an entry is WORD = what is spoken"));
    CHECK(!cbx_script_refresh(s, &err)); /* and it is said once */
    say(s, "a", "two");
    CHECK(!unlink(path));
    CHECK(cbx_script_refresh(s, &err) == CBX_E_FILE);
    say(s, "a", "two");
    write_file("a = four\n");
    CHECK(!cbx_script_refresh(s, &err));
    say(s, "a", "four");
    cbx_script_close(s);
}

static void faults_name_file_and_line(void)
{
    static const struct {
        const char *text, *says;
    } faults[] = {
        {"ok = 1\nno sign\n", ":2: an entry is WORD"},
        {"/(/ = x\n", ":1: the pattern is none: missing closing parenthesis"},
        {"/abc = x\n", ":1: a pattern is /.../"},
        {"[a whole sentence]\n", ":1: [a whole sentence]: a section is"},
        {"/\\C/ = x\n", ":1: the pattern is none"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        cbx_error err;
        CHECK(!open_dictionary(faults[i].text, "", &err));
        if (!strstr(err.text, faults[i].says)) {
            fprintf(stderr, "%s: %s\n", faults[i].text, err.text);
            exit(1);
        }
    }
}

/* A pattern that would take for ever does not match. */
static void a_hostile_pattern_ends(void)
{
    cbx_error err;
    char text[260];
    cbx_script *s = open_script(open_dictionary("/(a+)+b/ = x\n", "", &err));
    memset(text, 'a', 250);
    text[250] = 0;
    say(s, text, text);
    cbx_script_close(s);
}

int main(void)
{
    snprintf(path, sizeof path, "/tmp/dictionary-%d.txt", (int)getpid());
    entries_match_whole_words_and_the_longest_counts();
    sections_are_for_languages_and_voices();
    a_file_that_changes_is_read_again();
    faults_name_file_and_line();
    a_hostile_pattern_ends();
    unlink(path);
    return 0;
}
