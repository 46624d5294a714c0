#include "plugin/clap/shell.h"

#include <string.h>

static bool init(const char *path)
{
    (void)path;
    return true;
}

static void deinit(void)
{
}

static const void *get_factory(const char *id)
{
    return strcmp(id, CLAP_PLUGIN_FACTORY_ID) ? NULL : &shell_factory;
}

CLAP_EXPORT const clap_plugin_entry_t clap_entry = {CLAP_VERSION_INIT, init,
                                                    deinit, get_factory};
