/* Links in the place of the daemon: see fake.h. $CHATTERBOX_TOY_AWAY: nobody
 * answers. */
#include "tests/plugin/fake.h"

#include <stdlib.h>

const plug_source *plug_daemon(void)
{
    if (getenv("CHATTERBOX_TOY_AWAY"))
        atomic_store(&fake_away, true);
    return &fake_source;
}
