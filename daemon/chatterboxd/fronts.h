#ifndef CBX_DAEMON_CHATTERBOXD_FRONTS_H
#define CBX_DAEMON_CHATTERBOXD_FRONTS_H

#include "daemon/chatterboxd/config.h"
#include "daemon/chatterboxd/service.h"
#include "daemon/http/http.h"
#include "daemon/wyoming/wyoming.h"

/* The front-ends that the configuration asks for, besides the control socket.
 * Changing them takes a restart. */
typedef struct fronts {
    http_server *http;
    wyoming_server *wyoming;
} fronts;

/* [setup] All of them, or none and a sentence. */
CBX_CHECK cbx_status fronts_open(service *s, const daemon_config *c,
                                 fronts *out, cbx_error *err);
/* [setup] Before service_close. */
void fronts_close(fronts *f);

#endif
