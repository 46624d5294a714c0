#include "daemon/chatterboxd/fronts.h"

#include "rt/log.h"

static cbx_status open_http(service *s, const config_front *c,
                            http_server **out, cbx_error *err)
{
    const http_options o = {.address = c->address,
                            .port = c->port,
                            .token = c->token,
                            .open = c->open,
                            .connections = c->connections};
    const cbx_status st = http_open(s, &o, out, err);
    if (!st)
        cbx_log(CBX_LOG_INFO, "http on %s:%d", c->address, http_port(*out));
    return st;
}

static cbx_status open_wyoming(service *s, const config_front *c,
                               wyoming_server **out, cbx_error *err)
{
    const wyoming_options o = {.address = c->address,
                               .port = c->port,
                               .open = c->open,
                               .connections = c->connections};
    const cbx_status st = wyoming_open(s, &o, out, err);
    if (!st)
        cbx_log(CBX_LOG_INFO, "wyoming on %s:%d", c->address,
                wyoming_port(*out));
    return st;
}

cbx_status fronts_open(service *s, const daemon_config *c, fronts *out,
                       cbx_error *err)
{
    cbx_status st = CBX_OK;
    *out = (fronts){0};
    if (c->http.port)
        st = open_http(s, &c->http, &out->http, err);
    if (!st && c->wyoming.port)
        st = open_wyoming(s, &c->wyoming, &out->wyoming, err);
    if (st)
        fronts_close(out);
    return st;
}

void fronts_close(fronts *f)
{
    wyoming_close(f->wyoming);
    http_close(f->http);
    *f = (fronts){0};
}
