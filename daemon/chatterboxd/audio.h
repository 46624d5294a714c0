#ifndef CBX_DAEMON_CHATTERBOXD_AUDIO_H
#define CBX_DAEMON_CHATTERBOXD_AUDIO_H

#include "daemon/chatterboxd/peer.h"
#include "daemon/chatterboxd/service.h"

/* An audio of a client: an outlet whose frames go into the client's ring. */
typedef struct audio audio;

/* [main] Maps the memory of `fd`, which stays the caller's. CBX_E_FORMAT: it is
 * not what docs/PROTOCOL.md asks for. */
CBX_CHECK cbx_status audio_open(service *s, peer *p, int64_t number, int fd,
                                audio **out, cbx_error *err);
/* [main] Cancels its jobs; waits for its thread. */
void audio_close(audio *a);

int64_t audio_number(const audio *a);
service_outlet *audio_outlet(const audio *a);

#endif
