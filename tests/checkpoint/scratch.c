#include "tests/checkpoint/scratch.h"

#include "tests/check.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "checkpoint-test-XXXXXX";

static void remove_folder(void)
{
    char path[512];
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (const struct dirent *e; (e = readdir(dir));) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
    }
    closedir(dir);
    rmdir(folder);
}

const char *scratch_folder(void)
{
    if (strstr(folder, "XXXXXX")) {
        CHECK(mkdtemp(folder));
        atexit(remove_folder);
    }
    return folder;
}

const char *scratch_path(const char *name)
{
    static char paths[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", scratch_folder(), name);
    return paths[turn];
}

const char *scratch_write(const char *name, const void *data, size_t n)
{
    const char *path = scratch_path(name);
    FILE *f = fopen(path, "wb");
    CHECK(f);
    CHECK(n == 0 || fwrite(data, 1, n, f) == n);
    CHECK(fclose(f) == 0);
    return path;
}

void scratch_remove(const char *name)
{
    CHECK(unlink(scratch_path(name)) == 0);
}

void check_refused(const char *what, cbx_status st, const cbx_error *err,
                   cbx_status want, const char *part)
{
    if (st == want && err->status == want && strstr(err->text, part) &&
        !strchr(err->text, '\n') && strlen(err->text) < sizeof err->text - 1)
        return;
    fprintf(stderr, "%s: status %d, expected %d; sentence: %s\nexpected: %s\n",
            what, (int)st, (int)want, st ? err->text : "(none)", part);
    exit(1);
}
