#include "rt/deadline.h"

#include "rt/clock.h"

int cbx_deadline_pick(const cbx_deadline *d, int n, int last)
{
    int best = -1;
    for (int k = 1; k <= n; k++) {
        const int i = (last + k) % n;
        if (d[i].ready && (best < 0 || d[i].ns < d[best].ns))
            best = i;
    }
    return best;
}

CBX_RT int64_t cbx_deadline_after(int64_t now_ns, uint64_t queued,
                                  uint32_t rate)
{
    const uint64_t whole = queued / rate, rest = queued % rate;
    return now_ns + (int64_t)whole * CBX_NS_PER_S +
           (int64_t)(rest * (uint64_t)CBX_NS_PER_S / rate);
}
