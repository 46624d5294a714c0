#ifndef CBX_DAEMON_WYOMING_INTERNAL_H
#define CBX_DAEMON_WYOMING_INTERNAL_H

#include "daemon/chatterboxd/service.h"

/* Serves one client until it leaves; closes nothing. */
void wyoming_serve(service *s, int fd);

#endif
