/* What is in a checkpoint, without loading it. */
#include "chatterbox/chatterbox.h"

#include "models/checkpoint/config.h"
#include "models/checkpoint/tensor.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096 };

typedef void see_tensor(void *user, const cbx_tensor_info *tensor);

static cbx_status inspect_file(const char *path, see_tensor *see, void *user,
                               cbx_error *err)
{
    cbx_tensor_file *f;
    const cbx_status st = cbx_tensor_file_open(path, &f, err);
    if (st)
        return st;
    for (size_t i = 0; i < cbx_tensor_count(f); i++) {
        const cbx_file_tensor *t = cbx_tensor_at(f, i);
        char shape[256];
        cbx_tensor_shape_text(t->ndim, t->dims, shape, sizeof shape);
        see(user,
            &(cbx_tensor_info){path, t->name, t->dtype_name, shape, t->bytes});
    }
    cbx_tensor_file_close(f);
    return CBX_OK;
}

static int is_tensor_file(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');
    return dot && (strcmp(dot, ".safetensors") == 0 || strcmp(dot, ".pt") == 0);
}

static cbx_status inspect_folder(const char *folder, see_tensor *see,
                                 void *user, cbx_error *err)
{
    struct dirent **list;
    const int n = scandir(folder, &list, is_tensor_file, alphasort);
    cbx_status st = CBX_OK;
    if (n < 0)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", folder, strerror(errno));
    if (n == 0)
        st = cbx_fail(err, CBX_E_FILE,
                      "%s: no .safetensors and no .pt file in the folder",
                      folder);
    for (int i = 0; i < n; i++) {
        char path[PATH];
        snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
        if (!st)
            st = inspect_file(path, see, user, err);
        free(list[i]);
    }
    free(list);
    return st;
}

cbx_status cbx_inspect(const char *path, see_tensor *see, void *user,
                       char *family, size_t size, cbx_error *err)
{
    struct stat s;
    cbx_config config;
    cbx_error not_a_model;
    if (size)
        family[0] = 0;
    if (stat(path, &s))
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(s.st_mode))
        return inspect_file(path, see, user, err);
    if (!cbx_config_open(path, &config, &not_a_model))
        snprintf(family, size, "%s", cbx_family_name(config.family));
    return inspect_folder(path, see, user, err);
}
