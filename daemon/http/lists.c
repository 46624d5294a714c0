/* What there is: models, voices, health, counters. */
#include "daemon/http/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum MHD_Result http_models(http_request *r)
{
    json_t *models = service_models(r->server->service), *m;
    json_t *data = json_array();
    size_t i;
    json_array_foreach(models, i, m)
    {
        json_t *o = json_copy(m);
        json_object_set(o, "id", json_object_get(m, "name"));
        json_object_set_new(o, "object", json_string("model"));
        json_object_set_new(o, "created", json_integer(0));
        json_object_set_new(o, "owned_by", json_string("chatterbox"));
        json_array_append_new(data, o);
    }
    json_decref(models);
    return http_json(r, MHD_HTTP_OK,
                     json_pack("{s:s, s:o}", "object", "list", "data", data));
}

enum MHD_Result http_voices(http_request *r)
{
    json_t *voices = service_voices(r->server->service), *v;
    size_t i;
    json_array_foreach(voices, i, v)
    {
        json_object_set(v, "id", json_object_get(v, "name"));
        json_object_del(v, "file"); /* paths are nobody's business */
    }
    return http_json(r, MHD_HTTP_OK, json_pack("{s:o}", "voices", voices));
}

enum MHD_Result http_health(http_request *r)
{
    json_t *stats = service_stats(r->server->service);
    json_t *o =
        json_pack("{s:s, s:s, s:O, s:O}", "status", "ok", "version",
                  cbx_version(), "uptime", json_object_get(stats, "uptime"),
                  "busy", json_object_get(stats, "busy"));
    json_decref(stats);
    return http_json(r, MHD_HTTP_OK, o);
}

/* -- metrics --------------------------------------------------------------- */

/* Gauges go up and down; what else is in the statistics is counted. */
static bool is_gauge(const char *name)
{
    static const char *const gauges[] = {"uptime", "busy", "streams", "threads",
                                         "clients"};
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        if (strcmp(name, gauges[i]) == 0)
            return true;
    return false;
}

static void print_metric(FILE *to, const char *name, bool gauge, double value)
{
    const char *total = gauge ? "" : "_total";
    fprintf(to, "# TYPE chatterbox_%s%s %s\nchatterbox_%s%s %.17g\n", name,
            total, gauge ? "gauge" : "counter", name, total, value);
}

enum MHD_Result http_metrics(http_request *r)
{
    http_server *h = r->server;
    char *bytes = NULL;
    size_t n = 0;
    const char *name;
    json_t *value, *stats = service_stats(h->service);
    FILE *to = open_memstream(&bytes, &n);
    if (!to) {
        json_decref(stats);
        return MHD_NO;
    }
    json_object_foreach(stats, name, value)
    {
        if (json_is_number(value))
            print_metric(to, name, is_gauge(name), json_number_value(value));
    }
    const struct {
        const char *name;
        double value;
    } own[] = {
        {"http_requests", (double)h->requests},
        {"http_refused", (double)h->refused},
        {"http_streams", (double)h->streams},
        {"http_disconnects", (double)h->disconnects},
        {"http_first_byte_seconds", 1e-6 * (double)h->first_us},
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        print_metric(to, own[i].name, false, own[i].value);
    fclose(to);
    json_decref(stats);
    const enum MHD_Result result =
        http_text(r, "text/plain; version=0.0.4; charset=utf-8", bytes, n);
    free(bytes);
    return result;
}
