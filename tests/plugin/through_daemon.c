/* The real plugin's core with the real daemon: renders a phrase offline through
 * the player, as a host's export does, and writes the frames as floats.
 * Usage: through_daemon TEXT SEED RATE FRAMES FILE [WAIT_S] */
#include "tests/check.h"

#include "plugin/core/plug.h"

#include <stdio.h>
#include <string.h>

static void say(void *arg, const char *sentence)
{
    (void)arg;
    fprintf(stderr, "%s\n", sentence);
}

int main(int argc, char **argv)
{
    enum { BLOCK = 512 };
    CHECK(argc >= 6);
    const uint32_t rate = (uint32_t)atoi(argv[3]);
    const size_t frames = strtoull(argv[4], NULL, 10);
    plug *p;
    cbx_error err;
    if (plug_open(plug_daemon(), rate, &p, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    plug_set_log(p, say, NULL);
    plug_set(p, PLUG_SEED, strtof(argv[2], NULL));
    plug_set(p, PLUG_WAIT, argc > 6 ? strtof(argv[6], NULL) : 120);
    CHECK(plug_set_script(p, argv[1], strlen(argv[1]), NULL) == CBX_OK);
    FILE *to = fopen(argv[5], "wb");
    CHECK(to);
    plug_set_offline(p, true);
    plug_begin(p);
    plug_transport(p, true, 0);
    for (size_t i = 0; i < frames; i += BLOCK) {
        float out[BLOCK];
        plug_begin(p);
        plug_wait(p, BLOCK);
        plug_fill(p, out, BLOCK);
        CHECK(fwrite(out, sizeof *out, BLOCK, to) == BLOCK);
    }
    CHECK(fclose(to) == 0);
    char *status = plug_status_copy(p);
    fprintf(stderr, "%slate %llu\n", status, (unsigned long long)plug_late(p));
    free(status);
    plug_close(p);
    return 0;
}
