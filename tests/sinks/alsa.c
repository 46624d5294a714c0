#include "tests/sinks/alsa.h"

#include "tests/check.h"

#include <unistd.h>

static char path[600];

void alsa_world(const char *devices)
{
    char here[400];
    CHECK(getcwd(here, sizeof here));
    snprintf(path, sizeof path, "%s/alsa-%ld.conf", here, (long)getpid());
    FILE *f = fopen(path, "w");
    CHECK(f);
    fprintf(f, "pcm.default { type hw card 77 }\n%s", devices);
    CHECK(!fclose(f));
    setenv("ALSA_CONFIG_PATH", path, 1);
}

void alsa_world_end(void)
{
    unlink(path);
}
