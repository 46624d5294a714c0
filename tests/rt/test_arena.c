#include "rt/arena.h"
#include "tests/check.h"

#include <stdint.h>
#include <string.h>

static unsigned char block[1024];

static void objects_are_aligned_and_zero(void)
{
    memset(block, 0xff, sizeof block);
    cbx_arena a = {block, sizeof block, 0};
    for (int k = 0; k < 4; k++) {
        const unsigned char *p = cbx_arena_zero(&a, 3, 7);
        CHECK(p && (uintptr_t)p % 64 == 0);
        for (int i = 0; i < 21; i++)
            CHECK(p[i] == 0);
    }
}

static void objects_do_not_overlap(void)
{
    cbx_arena a = {block, sizeof block, 0};
    unsigned char *p = cbx_arena_zero(&a, 65, 1);
    unsigned char *q = cbx_arena_zero(&a, 65, 1);
    CHECK(p && q && q >= p + 65 && q + 65 <= block + sizeof block);
}

static void a_full_arena_gives_null_and_stays_usable(void)
{
    cbx_arena a = {block, sizeof block, 0};
    CHECK(cbx_arena_zero(&a, 1, sizeof block + 1) == NULL);
    CHECK(cbx_arena_zero(&a, 1, 128) != NULL);
    CHECK(a.used >= 128 && a.used <= sizeof block);
}

static void a_product_that_overflows_gives_null(void)
{
    cbx_arena a = {block, sizeof block, 0};
    CHECK(cbx_arena_zero(&a, SIZE_MAX / 2 + 1, 2) == NULL);
    CHECK(cbx_arena_zero(&a, SIZE_MAX, SIZE_MAX) == NULL);
    CHECK(cbx_arena_zero(&a, SIZE_MAX, 1) == NULL);
    CHECK(a.used == 0);
}

static void a_rewind_gives_the_same_place_again(void)
{
    cbx_arena a = {block, sizeof block, 0};
    CHECK(cbx_arena_zero(&a, 10, 1));
    const size_t mark = cbx_arena_mark(&a);
    void *p = cbx_arena_take(&a, 100, 1);
    cbx_arena_rewind(&a, mark);
    CHECK(a.used == mark);
    CHECK(p && cbx_arena_take(&a, 100, 1) == p);
}

static void a_mapped_arena_holds_what_was_asked_for(void)
{
    cbx_arena a;
    CHECK(cbx_arena_open(100000, &a, NULL) == CBX_OK);
    unsigned char *p = cbx_arena_take(&a, 100000, 1);
    CHECK(p && (uintptr_t)p % 64 == 0 && p[0] == 0 && p[99999] == 0);
    CHECK(cbx_arena_take(&a, 1, 1) == NULL);
    cbx_arena_close(&a);
    CHECK(a.base == NULL && cbx_arena_take(&a, 1, 1) == NULL);
    cbx_arena_close(&a);
    cbx_arena_close(NULL);
}

static void too_much_memory_is_an_error_with_a_sentence(void)
{
    cbx_arena a;
    cbx_error e = {CBX_OK, ""};
    CHECK(cbx_arena_open(SIZE_MAX / 2, &a, &e) == CBX_E_NOMEM);
    CHECK(strstr(e.text, "no memory"));
    CHECK(cbx_arena_open(0, &a, &e) == CBX_E_ARG);
}

int main(void)
{
    objects_are_aligned_and_zero();
    objects_do_not_overlap();
    a_full_arena_gives_null_and_stays_usable();
    a_product_that_overflows_gives_null();
    a_rewind_gives_the_same_place_again();
    a_mapped_arena_holds_what_was_asked_for();
    too_much_memory_is_an_error_with_a_sentence();
    return 0;
}
