#include "daemon/chatterboxd/connection.h"

#include "client/say_json.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

connection *connection_open(server *s, int fd)
{
    connection *c = calloc(1, sizeof *c);
    peer *p = c ? peer_new(fd, server_wake_fd(s)) : NULL;
    if (!p) {
        free(c);
        close(fd);
        return NULL;
    }
    c->server = s;
    c->peer = p;
    c->fd = fd;
    c->owner = service_owner(server_service(s));
    c->opened_ns = cbx_clock_ns();
    snprintf(c->name, sizeof c->name, "client %" PRIu64, c->owner);
    cbx_line_reader_init(&c->in);
    return c;
}

void connection_close(connection *c, const char *why)
{
    service *s = server_service(c->server);
    const service_target kept = {.owner = c->owner, .spare_kept = true};
    if (why)
        cbx_log(CBX_LOG_WARNING, "%s: the connection is closed: %s", c->name,
                why);
    else
        cbx_log(CBX_LOG_DEBUG, "%s: it left", c->name);
    service_stop(s, &kept, "client");
    for (int i = 0; i < c->n_audios; i++)
        server_close_audio(c->server, c->audios[i]);
    peer_close(c->peer);
    peer_unhold(c->peer);
    cbx_line_reader_close(&c->in);
    free(c);
}

/* Tells why nothing more is read from it. */
static void tell_end(connection *c, const cbx_error *err, char *why,
                     size_t size)
{
    snprintf(why, size, "%s", err->text);
    peer_send(c->peer,
              json_pack("{s:s, s:i, s:s, s:s}", "event", "error", "job", 0,
                        "status", cbx_status_name(err->status), "text",
                        err->text));
}

bool connection_read(connection *c, char *why, size_t size)
{
    cbx_error err;
    json_t *request;
    bool bad;
    const cbx_lines_state state = cbx_line_reader_read(&c->in, c->fd, true);
    while (cbx_line_reader_next(&c->in, &request, &bad, &err)) {
        const cbx_status st = connection_request(c, request, &err);
        json_decref(request);
        if (st) {
            snprintf(why, size, "%s", err.text);
            return false;
        }
    }
    if (c->in.fd >= 0 && c->in.used == 0) { /* it belonged to no request */
        close(c->in.fd);
        c->in.fd = -1;
    }
    if (bad) {
        tell_end(c, &err, why, size);
        return false;
    }
    *why = 0;
    return state != LINES_ENDED;
}
