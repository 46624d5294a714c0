/* What streaming keeps of the rows that went by (models/s3gen/past.h), against
 * sequences that lie in memory whole. */

#include "models/s3gen/past.h"
#include "rt/random.h"
#include "tests/check.h"

#include <string.h>

enum { HEADS = 2, WIDTH = 24, PROMPT = 13, ROWS = 60, ALL = PROMPT + ROWS };

typedef struct sequence {
    cbx_dev *dev;
    float qkv[3][ALL * WIDTH], pos[2 * ALL * WIDTH], u[WIDTH], v[WIDTH];
} sequence;

/* One attention and one convolution that reads two rows back. */
typedef struct store {
    past past;
    cbx_mat tables[2];
    cbx_dmem memory;
} store;

static int random_below(uint64_t key, uint64_t i, int n)
{
    return (int)(cbx_random_uniform(key, i) * n);
}

static cbx_mat view(float *p, int from, int n)
{
    return (cbx_mat){p + (ptrdiff_t)from * WIDTH, n, WIDTH, WIDTH};
}

static void store_open(cbx_dev *dev, int history, int room, store *s)
{
    cbx_error err;

    *s = (store){.past = {.history = history, .room = room}};
    s->past.convs = s->tables;
    s->past.attns = s->tables + 1;
    CHECK(!cbx_dmem_open(dev, (size_t)(room + 4) * 2 * WIDTH * sizeof(float),
                         &s->memory, &err));
    past_add_conv(&s->past, &s->memory, 2, WIDTH);
    past_add_attn(&s->past, &s->memory, WIDTH);
}

static void sequence_open(sequence *x)
{
    cbx_error err;

    for (int i = 0; i < 3; i++)
        cbx_random_normals((uint64_t)i, 0, ALL * WIDTH, x->qkv[i]);
    cbx_random_normals(5, 0, 2 * ALL * WIDTH, x->pos);
    cbx_random_normals(6, 0, WIDTH, x->u);
    cbx_random_normals(7, 0, WIDTH, x->v);
    CHECK(!cbx_cpu_open(0, NULL, &x->dev, &err));
}

/* Rows [from, from + n) of the sequence go by; out: theirs. */
static void run(sequence *x, past *p, int from, int n, const int32_t *visible,
                float *out)
{
    float conv[(2 + ALL) * WIDTH];

    past_begin(p, visible);
    memset(conv, 0xff, 2 * WIDTH * sizeof *conv);
    memcpy(conv + 2 * WIDTH, x->qkv[0] + from * WIDTH,
           (size_t)n * WIDTH * sizeof *conv);
    past_conv(p, x->dev, view(conv, 0, 2 + n), 2);
    for (int i = 0; i < 2 * WIDTH; i++) {
        const int at = (from - 2) * WIDTH + i;
        CHECK(conv[i] == (at < 0 ? 0 : x->qkv[0][at]));
    }
    past_attend(p, x->dev,
                &(cbx_attention){.q = view(x->qkv[0], from, n),
                                 .k = view(x->qkv[1], from, n),
                                 .v = view(x->qkv[2], from, n),
                                 .heads = HEADS,
                                 .scale = 0.3f,
                                 .rel = {.pos = {x->pos, 2 * ALL, WIDTH, WIDTH},
                                         .zero = ALL,
                                         .u = x->u,
                                         .v_bias = x->v},
                                 .out = view(out, 0, n)});
    past_end(p, x->dev, n);
}

/* A row of the sequence alone, key by key: those in front and [lo, hi). */
static void expect(const sequence *x, int row, int front, int lo, int hi,
                   float *out)
{
    const int size = WIDTH / HEADS;

    for (int h = 0; h < HEADS; h++) {
        double sum[WIDTH] = {0}, total = 0;
        for (int j = 0; j < hi; j = j + 1 == front ? lo : j + 1) {
            const float *q = x->qkv[0] + row * WIDTH + h * size;
            const float *k = x->qkv[1] + j * WIDTH + h * size;
            const float *pos = x->pos + (ALL - (row - j)) * WIDTH + h * size;
            double s = 0;
            for (int e = 0; e < size; e++)
                s += (q[e] + x->u[h * size + e]) * (double)k[e] +
                     (q[e] + x->v[h * size + e]) * (double)pos[e];
            s = exp(0.3 * s);
            total += s;
            for (int e = 0; e < size; e++)
                sum[e] += s * x->qkv[2][j * WIDTH + h * size + e];
        }
        for (int e = 0; e < size; e++)
            out[h * size + e] = (float)(sum[e] / total);
    }
}

static void check_rows(const float *got, const float *want, int n)
{
    for (int i = 0; i < n * WIDTH; i++)
        CHECK_NEAR(got[i], want[i], 2e-5);
}

/* Calls of random size, each one cell: a row sees the prompt, its cell, and
 * `history` rows before that, at their true distances. */
static void rows_see_prompt_history_and_cell(sequence *x)
{
    static const int histories[] = {0, 1, 4, 9, 100};

    for (uint64_t key = 1; key <= 100; key++) {
        const int history = histories[random_below(key, 0, 5)];
        const int widest = 1 + random_below(key, 1, 12);
        float got[ALL * WIDTH], want[WIDTH];
        store prompt, s;
        int draw = 2;

        store_open(x->dev, 0, PROMPT, &prompt);
        store_open(x->dev, history,
                   history && history < ROWS ? history + widest : ROWS, &s);
        past_reset(&prompt.past, x->dev, NULL);
        run(x, &prompt.past, 0, PROMPT, NULL, got);
        for (int i = 0; i < PROMPT; i++) {
            expect(x, i, PROMPT, PROMPT, PROMPT, want);
            check_rows(got + i * WIDTH, want, 1);
        }
        past_reset(&s.past, x->dev, &prompt.past);
        for (int a = 0, b; a < ROWS; a = b) {
            int lo = history && a > history ? a - history : 0;
            b = a + 1 + random_below(key, (uint64_t)draw++, widest);
            b = b < ROWS ? b : ROWS;
            run(x, &s.past, PROMPT + a, b - a, NULL, got);
            for (int i = a; i < b; i++) {
                expect(x, PROMPT + i, PROMPT, PROMPT + lo, PROMPT + b, want);
                check_rows(got + (i - a) * WIDTH, want, 1);
            }
        }
        cbx_dmem_close(x->dev, &prompt.memory);
        cbx_dmem_close(x->dev, &s.memory);
    }
}

int main(void)
{
    static sequence x;

    sequence_open(&x);
    rows_see_prompt_history_and_cell(&x);
    cbx_dev_close(x.dev);
    return 0;
}
