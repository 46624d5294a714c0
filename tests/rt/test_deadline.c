#include "rt/clock.h"
#include "rt/deadline.h"
#include "tests/check.h"

static void the_earliest_ready_one_goes_first(void)
{
    const cbx_deadline d[] = {{30, true}, {10, false}, {20, true}, {40, true}};
    CHECK(cbx_deadline_pick(d, 4, -1) == 2);
    CHECK(cbx_deadline_pick(d, 4, 2) == 2);
}

static void none_ready_is_minus_one(void)
{
    const cbx_deadline d[] = {{30, false}, {10, false}};
    CHECK(cbx_deadline_pick(d, 2, -1) == -1);
    CHECK(cbx_deadline_pick(d, 0, -1) == -1);
}

static void equals_take_turns(void)
{
    const cbx_deadline d[] = {{5, true}, {5, true}, {5, true}};
    CHECK(cbx_deadline_pick(d, 3, -1) == 0);
    CHECK(cbx_deadline_pick(d, 3, 0) == 1);
    CHECK(cbx_deadline_pick(d, 3, 1) == 2);
    CHECK(cbx_deadline_pick(d, 3, 2) == 0);
}

static void queued_frames_put_the_deadline_off(void)
{
    CHECK(cbx_deadline_after(7, 0, 24000) == 7);
    CHECK(cbx_deadline_after(7, 24000, 24000) == 7 + CBX_NS_PER_S);
    CHECK(cbx_deadline_after(0, 36000, 24000) == 1500 * INT64_C(1000000));
    /* a year of frames does not overflow */
    CHECK(cbx_deadline_after(0, UINT64_C(192000) * 31536000, 192000) ==
          31536000 * CBX_NS_PER_S);
}

static void sleep_until_is_not_early(void)
{
    const int64_t until = cbx_clock_ns() + 3 * CBX_NS_PER_MS;
    cbx_sleep_until(until);
    CHECK(cbx_clock_ns() >= until);
    cbx_sleep_until(0);
    cbx_sleep_until(until);
}

int main(void)
{
    the_earliest_ready_one_goes_first();
    none_ready_is_minus_one();
    equals_take_turns();
    queued_frames_put_the_deadline_off();
    sleep_until_is_not_early();
    return 0;
}
