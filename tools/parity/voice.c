#include "tools/parity/parity.h"

/* voice.*: from a recording to a voice. */

void parity_voice(parity *p)
{
    report_not_run(&p->report, "voice.", "voice preparation is not built in");
}
