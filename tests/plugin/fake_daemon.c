/* Links in the place of the daemon: see fake.h. */
#include "tests/plugin/fake.h"

const plug_source *plug_daemon(void)
{
    return &fake_source;
}
