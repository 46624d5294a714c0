/* Which dictionaries a stream's text is spoken by. */
#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* $XDG_CONFIG_HOME/chatterbox/dictionary.txt; "" where there is no home. */
static void users_file(char path[CBX_PATH_MAX])
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    path[0] = 0;
    if (config && config[0] == '/')
        snprintf(path, CBX_PATH_MAX, "%s/chatterbox/dictionary.txt", config);
    else if (home && home[0] == '/')
        snprintf(path, CBX_PATH_MAX, "%s/.config/chatterbox/dictionary.txt",
                 home);
}

cbx_status stream_open_dictionary(const cbx_stream *s, pronounce **out,
                                  cbx_error *err)
{
    char path[CBX_PATH_MAX];
    pronounce *p = NULL;
    cbx_status st = pronounce_open(s->voice->name, &p, err);
    if (st)
        return st;
    users_file(path);
    if (path[0])
        st = pronounce_add(p, path, false, err);
    if (!st && s->voice->preset.dictionary[0])
        st = pronounce_add(p, s->voice->preset.dictionary, true, err);
    if (!st && s->params.dictionary[0])
        st = pronounce_add(p, s->params.dictionary, true, err);
    if (st) {
        pronounce_close(p);
        return st;
    }
    *out = p;
    return CBX_OK;
}
