#include "daemon/sinks/internal.h"

#include <stdlib.h>
#include <string.h>

cbx_device *sink_device_add(cbx_device **list, size_t *n)
{
    cbx_device *grown = realloc(*list, (*n + 1) * sizeof **list);
    if (!grown)
        return NULL;
    *list = grown;
    cbx_device *d = &grown[(*n)++];
    memset(d, 0, sizeof *d);
    return d;
}

cbx_status cbx_devices_list(cbx_device **list, size_t *n, cbx_error *err)
{
    cbx_device *found = NULL;
    size_t count = 0;
    sink_quiet_libraries();
    cbx_status st = sink_list_portaudio(&found, &count, err);
    if (!st)
        st = sink_list_jack(&found, &count, err);
    if (st) {
        free(found);
        return st;
    }
    *list = found;
    *n = count;
    return CBX_OK;
}
