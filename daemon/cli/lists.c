/* voices, devices, inspect: what is there. */
#include "daemon/cli/cli.h"

#include "daemon/sinks/sink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* -- voices ---------------------------------------------------------------- */

static void print_voice(void *user, const cbx_preset *p)
{
    (void)user;
    printf("%-16s %-6s %-16s %s\n", p->name, p->language, p->model,
           p->description);
}

static void print_name(void *user, const cbx_preset *p)
{
    (void)user;
    printf("%s\n", p->name);
}

static void bad_voice(void *user, const char *sentence)
{
    *(bool *)user = true;
    cli_warn(sentence);
}

int cli_voices(const cli_options *o)
{
    bool bad = false;
    if (!o->names)
        printf("%-16s %-6s %-16s %s\n", "NAME", "LANG", "MODEL", "DESCRIPTION");
    if (cbx_voices(o->names ? print_name : print_voice, bad_voice, &bad) > 0)
        return bad ? CLI_FAILED : CLI_OK;
    char folders[4096];
    cbx_data_folders(folders, sizeof folders);
    fprintf(stderr, "chatterbox: no voices in the data folders (%s)\n",
            *folders ? folders : "none exists");
    return CLI_FAILED;
}

/* -- devices --------------------------------------------------------------- */

int cli_devices(const cli_options *o)
{
    cbx_device *list = NULL;
    cbx_error err;
    size_t n = 0;
    (void)o;
    if (cbx_devices_list(&list, &n, &err))
        return cli_complain(&err);
    if (n == 0) {
        printf("no sound device, and no JACK server\n");
        return CLI_OK;
    }
    printf("%-5s %-40s %-12s %4s %7s %8s\n", "INDEX", "NAME", "THROUGH", "OUT",
           "RATE", "LATENCY");
    for (size_t i = 0; i < n; i++) {
        const cbx_device *d = &list[i];
        char index[16] = "-";
        if (d->index >= 0)
            snprintf(index, sizeof index, "%d%s", d->index,
                     d->is_default ? "*" : "");
        printf("%-5s %-40s %-12s %4u %7u %5.1f ms\n", index, d->name, d->api,
               d->channels, d->rate, 1e3 * d->latency_s);
    }
    free(list);
    return CLI_OK;
}

/* -- inspect --------------------------------------------------------------- */

typedef struct {
    char file[512];
    size_t tensors, bytes, all_tensors, all_bytes;
} listing;

static void end_file(listing *l)
{
    if (l->file[0])
        printf("  %zu tensors, %.2f MB\n\n", l->tensors,
               (double)l->bytes * 1e-6);
    l->tensors = l->bytes = 0;
}

static void print_tensor(void *user, const cbx_tensor_info *t)
{
    listing *l = user;
    if (strcmp(l->file, t->file) != 0) {
        end_file(l);
        snprintf(l->file, sizeof l->file, "%s", t->file);
        printf("%s\n", t->file);
    }
    printf("  %-72s %-5s %-20s %12zu\n", t->name, t->dtype, t->shape, t->bytes);
    l->tensors++;
    l->bytes += t->bytes;
    l->all_tensors++;
    l->all_bytes += t->bytes;
}

int cli_inspect(const cli_options *o)
{
    listing l = {0};
    cbx_error err;
    char family[32];
    if (o->n_words != 1) {
        fprintf(stderr, "chatterbox: inspect needs one checkpoint: a folder, a "
                        ".safetensors or a .pt file\n");
        return CLI_USAGE;
    }
    if (cbx_inspect(o->words[0], print_tensor, &l, family, sizeof family, &err))
        return cli_complain(&err);
    end_file(&l);
    if (family[0])
        printf("family: %s\n", family);
    printf("total: %zu tensors, %.2f MB\n", l.all_tensors,
           (double)l.all_bytes * 1e-6);
    return CLI_OK;
}
