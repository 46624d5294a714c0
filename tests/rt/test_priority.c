#include "rt/priority.h"
#include "tests/check.h"

#include <string.h>

static void denormals_go_and_come_back(void)
{
    const volatile float small = 1.2e-38f;
    CHECK(small * 0.5f > 0);
    const uint64_t before = cbx_denormals_off();
    const volatile float product = small * 0.5f;
    cbx_denormals_restore(before);
#if defined(__SSE__) || defined(__aarch64__)
    CHECK(memcmp((const void *)&product, &(float){0}, sizeof product) == 0);
#endif
    CHECK(small * 0.5f > 0);
}

/* Granted or not depends on the machine; a refusal has a sentence. */
static void a_refusal_says_what_to_change(void)
{
    cbx_error w = {CBX_OK, ""};
    static char page[4096];
    if (cbx_memory_lock(page, sizeof page, &w))
        cbx_memory_unlock(page, sizeof page);
    else
        CHECK(strstr(w.text, "limits.d"));
    /* under a sanitizer mlock does nothing and succeeds */
    if (!cbx_memory_lock((void *)16, (size_t)1 << 46, &w))
        CHECK(strstr(w.text, "limits.d") && w.status != CBX_OK);
    if (!cbx_thread_nice(1, &w))
        CHECK(strstr(w.text, "nice limit"));
    if (!cbx_thread_realtime(500, &w))
        CHECK(strstr(w.text, "rtprio"));
    cbx_memory_lock((void *)16, (size_t)1 << 46, NULL);
    cbx_thread_name("a name that is longer than fifteen bytes");
}

int main(void)
{
    denormals_go_and_come_back();
    a_refusal_says_what_to_change();
    return 0;
}
