#include "tools/parity/parity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* parity CHECKPOINT_DIR GOLDEN.safetensors: compares every stage of our models
 * with what the PyTorch reference computed. Exit status 0: every stage is
 * within its tolerance and none was left out; 1 otherwise; 2: bad usage. */

static const char usage[] =
    "Usage: parity [options] CHECKPOINT_DIR GOLDEN.safetensors\n"
    "       parity --list-kernels\n"
    "\n"
    "Runs every stage that the golden file holds and prints a line for each:\n"
    "name, shape, largest absolute error, relative L2 error, ok or FAIL.\n"
    "\n"
    "  --kernels NAME  CPU variant (default: the best one)\n"
    "  --only PREFIX   only these names; may be given several times\n"
    "  --perth FILE    weights of the watermark, for wm.*\n"
    "  --verbose       list the inputs too, and where errors are largest\n";

/* Subjects, in the order of their lines. Names in lines and keys begin with
 * the prefix. `end.` stands for lines that no single key has. */
static const struct {
    const char *prefix;
    void (*run)(parity *p);
    bool has_keys;
} subjects[] = {
    {"text.", parity_text, true},     {"conds.", parity_conds, false},
    {"t3.", parity_t3, true},         {"t3.", parity_probs, true},
    {"sample.", parity_sample, true}, {"gen.", parity_gen, true},
    {"drop.", parity_drop, true},     {"flow.", parity_flow, true},
    {"hift.", parity_hift, true},     {"source.", parity_source, true},
    {"voice.", parity_voice, true},   {"vc.", parity_vc, true},
    {"wm.", parity_wm, true},         {"resample.", parity_resample, true},
    {"end.", parity_end, false},
};

typedef struct options {
    const char *folder, *golden, *kernels, *perth;
} options;

static bool read_options(int argc, char **argv, options *o, report *r)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (!strcmp(a, "--verbose"))
            r->verbose = true;
        else if (!strcmp(a, "--kernels") && i + 1 < argc)
            o->kernels = argv[++i];
        else if (!strcmp(a, "--perth") && i + 1 < argc)
            o->perth = argv[++i];
        else if (!strcmp(a, "--only") && i + 1 < argc && r->n_only < MAX_ONLY)
            r->only[r->n_only++] = argv[++i];
        else if (a[0] == '-' || o->golden)
            return false;
        else if (!o->folder)
            o->folder = a;
        else
            o->golden = a;
    }
    return o->folder && o->golden;
}

static cbx_status open_all(parity *p, const options *o, cbx_error *err)
{
    cbx_status st;
    p->folder = o->folder;
    p->perth = o->perth;
    p->report.g = &p->golden;
    if ((st = golden_open(o->golden, &p->golden, err)) ||
        (st = cbx_config_open(o->folder, &p->config, err)))
        return st;
    const char *family = cbx_family_name(p->config.family);
    const char *theirs = cbx_tensor_file_metadata(p->golden.file, "family");
    if (theirs && strcmp(theirs, family))
        return cbx_fail(err, CBX_E_ARG,
                        "%s was made with a checkpoint of the family %s, "
                        "%s holds one of %s",
                        o->golden, theirs, o->folder, family);
    return cbx_cpu_open(0, o->kernels, &p->dev, err);
}

static void close_all(parity *p)
{
    s3gen_close(p->s3gen);
    cbx_tensor_file_close(p->s3gen_file);
    t3_close(p->t3);
    cbx_tensor_file_close(p->t3_file);
    cbx_dev_close(p->dev);
    golden_close(&p->golden);
}

static void run_subjects(parity *p)
{
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        if (report_wants(&p->report, subjects[i].prefix) &&
            (!subjects[i].has_keys ||
             golden_has(&p->golden, subjects[i].prefix)))
            subjects[i].run(p);
}

/* The exporter writes which stages it ran; a file that lost all keys of one is
 * not whole. */
static void check_stages(parity *p)
{
    const char *s = cbx_tensor_file_metadata(p->golden.file, "stages");
    while (s && *s) {
        char prefix[32];
        const size_t n = strcspn(s, ",");
        snprintf(prefix, sizeof prefix, "%.*s.", (int)n, s);
        if (!golden_has(&p->golden, prefix))
            report_fail(&p->report, prefix,
                        "the golden file says it has this stage, but has no "
                        "such key");
        s += n + (s[n] == ',');
    }
}

static int list_kernels(void)
{
    for (const char *const *v = cbx_cpu_variants(); *v; v++)
        puts(*v);
    return 0;
}

int main(int argc, char **argv)
{
    parity p = {0};
    options o = {0};
    cbx_error err;
    bool ok = false;
    if (argc == 2 && !strcmp(argv[1], "--list-kernels"))
        return list_kernels();
    if (!read_options(argc, argv, &o, &p.report)) {
        fputs(usage, stderr);
        return 2;
    }
    if (open_all(&p, &o, &err)) {
        fprintf(stderr, "parity: %s\n", err.text);
    } else {
        printf("%s, family %s, kernels %s, f32\n", o.folder,
               cbx_family_name(p.config.family), p.dev->k->name);
        check_stages(&p);
        run_subjects(&p);
        ok = report_end(&p.report);
        puts(ok ? "ok" : "FAIL");
    }
    close_all(&p);
    return ok ? 0 : 1;
}
