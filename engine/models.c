/* The models in the data folders. */
#include "chatterbox/chatterbox.h"
#include "engine/presets.h"
#include "models/checkpoint/config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST = 256 };

typedef struct search {
    char names[MOST][64];
    int n;
    void (*see)(void *user, const cbx_model_entry *model);
    void (*bad)(void *user, const char *sentence);
    void *user;
} search;

static bool is_known(const search *s, const char *name)
{
    for (int i = 0; i < s->n; i++)
        if (!strcmp(s->names[i], name))
            return true;
    return false;
}

static uint64_t bytes_in(const char *folder)
{
    uint64_t bytes = 0;
    struct dirent *e;
    struct stat st;
    DIR *d = opendir(folder);
    while (d && (e = readdir(d)))
        if (fstatat(dirfd(d), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_size;
    if (d)
        closedir(d);
    return bytes;
}

static void look_at(search *s, const char *models, const char *name)
{
    char folder[CBX_PATH_MAX];
    cbx_config config;
    cbx_error err;
    struct stat st;
    if (*name == '.' || strlen(name) >= 64 || s->n == MOST ||
        is_known(s, name) ||
        snprintf(folder, sizeof folder, "%s/%s", models, name) >=
            (int)sizeof folder ||
        stat(folder, &st) || !S_ISDIR(st.st_mode))
        return;
    snprintf(s->names[s->n++], 64, "%s", name);
    if (cbx_config_open(folder, &config, &err)) {
        if (s->bad)
            s->bad(s->user, err.text);
        return;
    }
    const cbx_model_entry entry = {.name = name,
                                   .family = cbx_family_name(config.family),
                                   .folder = folder,
                                   .bytes = bytes_in(folder)};
    s->see(s->user, &entry);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int cbx_models(void (*see)(void *user, const cbx_model_entry *model),
               void (*bad)(void *user, const char *sentence), void *user)
{
    char folders[8192], models[CBX_PATH_MAX];
    search *s = calloc(1, sizeof *s);
    if (!s)
        return 0;
    *s = (search){.see = see, .bad = bad, .user = user};
    cbx_data_folders(folders, sizeof folders);
    char *rest = folders;
    for (char *f; (f = strsep(&rest, ":"));) {
        struct dirent **list;
        snprintf(models, sizeof models, "%.1000s/models", f);
        const int n = scandir(models, &list, NULL, by_name);
        for (int i = 0; i < n; i++) {
            look_at(s, models, list[i]->d_name);
            free(list[i]);
        }
        if (n >= 0)
            free(list);
    }
    const int found = s->n;
    free(s);
    return found;
}
