/* The window with the core and the renderer of the tests behind it, without a
 * host: for looking at it, and for tests that type. It ends when it is closed,
 * and then prints script, voice and parameters. Usage: toy_window [SCRIPT] */
#include "plugin/window/window.h"
#include "rt/clock.h"
#include "tests/check.h"
#include "tests/plugin/fake.h"

#include <locale.h>
#include <string.h>

static plug *p;

static void set_text(void *arg, const char *script)
{
    (void)arg;
    cbx_error err;
    if (plug_set_script(p, script, strlen(script), &err))
        fprintf(stderr, "%s\n", err.text);
}

static void set_voice(void *arg, const char *name)
{
    (void)arg;
    CHECK(plug_set_voice(p, name, NULL) == CBX_OK);
}

static void set_param(void *arg, plug_param which, float value)
{
    (void)arg;
    plug_set(p, which, value);
}

static void retry(void *arg)
{
    (void)arg;
    plug_retry(p);
}

static void tell(window *w, char *text, void (*show)(window *, const char *))
{
    CHECK(text);
    show(w, text);
    free(text);
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    const char *scale = getenv("TOY_SCALE");
    const window_actions actions = {set_text, set_voice, set_param, retry,
                                    NULL};
    window *w;
    cbx_error err;
    CHECK(plug_open(&fake_source, 48000, &p, NULL) == CBX_OK);
    if (argc > 1)
        set_text(NULL, argv[1]);
    if (window_open(0, scale ? strtod(scale, NULL) : 0, &actions, &w, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return TEST_SKIPPED;
    }
    window_show(w, true);
    float out[1600];
    for (int i = 0; window_run(w); i++) {
        plug_begin(p);
        plug_transport(p, true, i * 1600 % 48000);
        plug_fill(p, out, 1600);
        plug_serve(p);
        tell(w, plug_script_copy(p), window_tell_text);
        tell(w, plug_voice_copy(p), window_tell_voice);
        tell(w, plug_voices_copy(p), window_tell_voices);
        tell(w, plug_status_copy(p), window_tell_status);
        for (int k = 0; k < PLUG_PARAMS; k++)
            window_tell_param(w, (plug_param)k, plug_get(p, (plug_param)k));
        window_tell_level(w, plug_peak(p));
        cbx_sleep_until(cbx_clock_ns() + 33 * (int64_t)CBX_NS_PER_MS);
    }
    window_close(w);
    char *script = plug_script_copy(p), *voice = plug_voice_copy(p);
    printf("%s--\n%s\n", script, voice);
    for (int k = 0; k < PLUG_PARAMS; k++)
        printf("%g\n", (double)plug_get(p, (plug_param)k));
    free(script);
    free(voice);
    plug_close(p);
    return 0;
}
