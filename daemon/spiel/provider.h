#ifndef CBX_DAEMON_SPIEL_PROVIDER_H
#define CBX_DAEMON_SPIEL_PROVIDER_H

#include "daemon/spiel/streams.h"

#include <systemd/sd-bus.h>

/* org.freedesktop.Speech.Provider on the session's bus. A provider's name ends
 * in Speech.Provider, and its object's path follows from the name. */
#define PROVIDER_NAME "io.github.chatterbox.Speech.Provider"
#define PROVIDER_PATH "/io/github/chatterbox/Speech/Provider"

/* [setup] The streams are the caller's and outlive the bus. */
cbx_status provider_open(streams *s, sd_bus **out, cbx_error *err);

/* [main] The voices may have changed: tell those who listen. */
void provider_voices_changed(sd_bus *bus);

#endif
