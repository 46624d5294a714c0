#include "rt/status.h"
#include "tests/check.h"

#include <string.h>

static void fail_writes_the_sentence_and_returns_the_status(void)
{
    cbx_error e = {CBX_OK, ""};
    CHECK(cbx_fail(&e, CBX_E_FILE, "file %s, line %d", "a.wav", 3) ==
          CBX_E_FILE);
    CHECK(e.status == CBX_E_FILE);
    CHECK(strcmp(e.text, "file a.wav, line 3") == 0);
}

static void fail_needs_no_error(void)
{
    CHECK(cbx_fail(NULL, CBX_E_ARG, "nobody reads this") == CBX_E_ARG);
}

static void fail_cuts_what_is_too_long(void)
{
    cbx_error e;
    CHECK(cbx_fail(&e, CBX_E_TEXT, "%2000d", 1) == CBX_E_TEXT);
    CHECK(strlen(e.text) == sizeof e.text - 1);
}

int main(void)
{
    fail_writes_the_sentence_and_returns_the_status();
    fail_needs_no_error();
    fail_cuts_what_is_too_long();
    return 0;
}
