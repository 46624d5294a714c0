#include "chatterbox/chatterbox.h"
#include "tools/weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "Usage: weights errors FOLDER\n"
    "       weights tokens FOLDER TEXT [COUNT [MOST]]\n"
    "\n"
    "errors  what bf16, int8 and int4 change in each matrix of T3\n"
    "tokens  how many of the first COUNT lines (default 50) of the file TEXT\n"
    "        draw the tokens that f32 weights draw, up to MOST tokens each\n"
    "        (default 250)\n"
    "\n"
    "FOLDER is a checkpoint, or builtin.\n";

/* The folder itself, or a model of the data folders. */
static void find(const char *name, char *out, size_t size)
{
    char data[8192], *save = NULL;
    struct stat s;
    snprintf(out, size, "%s", name);
    cbx_data_folders(data, sizeof data);
    for (char *f = strtok_r(data, ":", &save); f && !strchr(name, '/');
         f = strtok_r(NULL, ":", &save)) {
        snprintf(out, size, "%s/models/%s", f, name);
        if (!stat(out, &s))
            return;
    }
    if (strchr(name, '/'))
        return;
    snprintf(out, size, "%s", name);
}

int main(int argc, char **argv)
{
    char folder[4096];
    cbx_error err;
    cbx_status st;
    if (argc < 3) {
        fputs(usage, stderr);
        return 2;
    }
    find(argv[2], folder, sizeof folder);
    if (!strcmp(argv[1], "errors") && argc == 3) {
        st = weights_errors(folder, &err);
    } else if (!strcmp(argv[1], "tokens") && argc >= 4 && argc <= 6) {
        const int count = argc > 4 ? atoi(argv[4]) : 50;
        const int most = argc > 5 ? atoi(argv[5]) : 250;
        st = weights_tokens(folder, argv[3], count, most, &err);
    } else {
        fputs(usage, stderr);
        return 2;
    }
    if (st)
        fprintf(stderr, "weights: %s\n", err.text);
    return st ? 1 : 0;
}
