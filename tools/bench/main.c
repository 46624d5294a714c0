#include "tools/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: bench [options]\n"
    "\n"
    "Measures this machine and the engine on it. One line for each figure.\n"
    "\n"
    "  --model FOLDER|NAME  checkpoint (default: builtin)\n"
    "  --threads N          for computing (default: one for each core)\n"
    "  --kernels NAME       CPU variant (default: the best one)\n"
    "  --weights FORMAT     of T3: f32, bf16, int8, int4 (default: each of "
    "them\n"
    "                       by itself, the model's own in speech)\n"
    "  --compute FORMAT     of flow and vocoder: f32, bf16, int8 (default: "
    "f32)\n"
    "  --only PART          machine, kernels, variants, t3, s3gen or speech; "
    "may be "
    "given\n"
    "                       several times\n"
    "  --max-tokens N       cut each segment of speech after N tokens: random\n"
    "                       weights never end by themselves\n"
    "  --repeats N          of first audio (default: 20)\n"
    "  --sentences N        spoken one after the other (default: 10)\n"
    "  --profile            also rows of the operations that cost most in t3\n"
    "                       and s3gen; the other figures are then a little "
    "worse\n"
    "  --quick              one round of everything, to see that it runs\n"
    "  --json FILE          write all rows there\n";

static const struct {
    const char *name;
    cbx_status (*run)(bench *b, cbx_error *err);
} parts[] = {
    {"machine", bench_machine},   {"kernels", bench_kernels},
    {"variants", bench_variants}, {"t3", bench_t3},
    {"s3gen", bench_s3gen},       {"speech", bench_speech},
};
enum { N_PARTS = sizeof parts / sizeof *parts };

typedef struct options {
    bench b;
    const char *json;
    bool only[N_PARTS], some;
} options;

static bool read_number(const char *s, int least, int most, int *out)
{
    char *end;
    const long n = strtol(s, &end, 10);
    *out = (int)n;
    return *s && !*end && n >= least && n <= most;
}

static bool read_part(const char *s, options *o)
{
    for (int i = 0; i < N_PARTS; i++)
        if (!strcmp(s, parts[i].name))
            return o->some = o->only[i] = true;
    return false;
}

int bench_format(const char *name, bool compute)
{
    static const struct {
        const char *name;
        int weights, compute;
    } formats[] = {{"f32", CBX_FMT_F32, CBX_FMT_F32},
                   {"bf16", CBX_FMT_BF16, CBX_FMT_BF16A},
                   {"int8", CBX_FMT_I8, CBX_FMT_I8A},
                   {"int4", CBX_FMT_I4, -1}};
    for (size_t i = 0; name && i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(name, formats[i].name))
            return compute ? formats[i].compute : formats[i].weights;
    return -1;
}

static bool read_options(int argc, char **argv, options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (!strcmp(a, "--quick") || !strcmp(a, "--profile")) {
            *(a[2] == 'q' ? &o->b.quick : &o->b.profile) = true;
            continue;
        }
        if (++i == argc)
            return false;
        const char *v = argv[i];
        bool ok = true;
        if (!strcmp(a, "--model"))
            o->b.model = v;
        else if (!strcmp(a, "--kernels"))
            o->b.kernels = v;
        else if (!strcmp(a, "--weights"))
            ok = bench_format(v, false) >= 0 && (o->b.weights = v);
        else if (!strcmp(a, "--compute"))
            ok = bench_format(v, true) >= 0 && (o->b.compute = v);
        else if (!strcmp(a, "--json"))
            o->json = v;
        else if (!strcmp(a, "--threads"))
            ok = read_number(v, 0, 256, &o->b.threads);
        else if (!strcmp(a, "--max-tokens"))
            ok = read_number(v, 1, 4000, &o->b.max_tokens);
        else if (!strcmp(a, "--repeats"))
            ok = read_number(v, 1, 1000, &o->b.repeats);
        else if (!strcmp(a, "--sentences"))
            ok = read_number(v, 1, 20, &o->b.sentences);
        else
            ok = !strcmp(a, "--only") && read_part(v, o);
        if (!ok)
            return false;
    }
    return true;
}

static cbx_status run_parts(options *o, cbx_error *err)
{
    for (int i = 0; i < N_PARTS; i++) {
        if (o->some && !o->only[i])
            continue;
        printf("\n%s\n", parts[i].name);
        const neighbours n = bench_neighbours_begin();
        const cbx_status st = parts[i].run(&o->b, err);
        if (st)
            return st;
        bench_neighbours_end(&o->b, &n, parts[i].name);
    }
    return CBX_OK;
}

int main(int argc, char **argv)
{
    options o = {.b = {.model = "builtin", .repeats = 20, .sentences = 10}};
    cbx_error err;
    if (!read_options(argc, argv, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    if (o.b.quick)
        o.b.repeats = o.b.sentences = 1;
    o.b.report = json_object();
    cbx_status st = run_parts(&o, &err);
    if (!st && o.json && json_dump_file(o.b.report, o.json, JSON_INDENT(1)))
        st = cbx_fail(&err, CBX_E_FILE, "%s: cannot be written", o.json);
    if (st)
        fprintf(stderr, "bench: %s\n", err.text);
    json_decref(o.b.report);
    return st ? 1 : 0;
}
