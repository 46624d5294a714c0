#include "models/checkpoint/tensor.h"

#include "models/checkpoint/safetensors.h"
#include "models/checkpoint/torch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "checkpoints are little-endian, and so must be the machine"
#endif

static int starts_as_zip(const char *path)
{
    unsigned char head[4];
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return 0; /* the reader says why */
    const ssize_t n = read(fd, head, sizeof head);
    close(fd);
    return n == 4 && memcmp(head, "PK\3\4", 4) == 0;
}

cbx_status cbx_tensor_file_open(const char *path, cbx_tensor_file **out,
                                cbx_error *err)
{
    return starts_as_zip(path) ? cbx_torch_file_open(path, out, err)
                               : cbx_safetensors_open(path, out, err);
}

size_t cbx_file_dtype_size(cbx_file_dtype dtype)
{
    static const size_t size[] = {
        [CBX_FILE_F32] = 4, [CBX_FILE_F16] = 2,   [CBX_FILE_BF16] = 2,
        [CBX_FILE_I64] = 8, [CBX_FILE_I32] = 4,   [CBX_FILE_I16] = 2,
        [CBX_FILE_U8] = 1,  [CBX_FILE_OTHER] = 0,
    };
    return size[dtype];
}

char *cbx_tensor_shape_text(int ndim, const int64_t *dims, char *out,
                            size_t cap)
{
    size_t at = (size_t)snprintf(out, cap, "[");
    for (int i = 0; i < ndim && at < cap; i++) {
        const char *comma = i ? ", " : "";
        at +=
            (size_t)(dims[i] < 0 ? snprintf(out + at, cap - at, "%sany", comma)
                                 : snprintf(out + at, cap - at, "%s%lld", comma,
                                            (long long)dims[i]));
    }
    if (at < cap)
        snprintf(out + at, cap - at, "]");
    return out;
}

cbx_status cbx_tensor_need(const cbx_tensor_file *f, const char *name, int ndim,
                           const int64_t *dims, const cbx_file_tensor **out,
                           cbx_error *err)
{
    char want[128], got[128];
    const cbx_file_tensor *t = cbx_tensor_find(f, name);
    if (!t)
        return cbx_fail(err, CBX_E_SHAPE,
                        "%s: tensor '%s' of shape %s is missing",
                        cbx_tensor_file_path(f), name,
                        cbx_tensor_shape_text(ndim, dims, want, sizeof want));
    int same = t->ndim == ndim;
    for (int i = 0; same && i < ndim; i++)
        same = dims[i] < 0 || dims[i] == t->dims[i];
    if (!same)
        return cbx_fail(
            err, CBX_E_SHAPE, "%s: tensor '%s' has shape %s, needed is %s",
            t->file, name,
            cbx_tensor_shape_text(t->ndim, t->dims, got, sizeof got),
            cbx_tensor_shape_text(ndim, dims, want, sizeof want));
    *out = t;
    return CBX_OK;
}

static float bits_to_float(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

float cbx_bf16_to_float(uint16_t h)
{
    return bits_to_float((uint32_t)h << 16);
}

float cbx_half_to_float(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    const uint32_t exponent = h >> 10 & 0x1f, mantissa = h & 0x3ff;
    if (exponent == 0) { /* zero or subnormal: mantissa * 2^-24 is exact */
        const float f = (float)mantissa * 0x1p-24f;
        return sign ? -f : f;
    }
    if (exponent == 0x1f)
        return bits_to_float(sign | 0x7f800000 | mantissa << 13);
    return bits_to_float(sign | (exponent + 112) << 23 | mantissa << 13);
}

static uint16_t load_u16(const unsigned char *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static cbx_status wrong_type(const cbx_file_tensor *t, const char *need,
                             cbx_error *err)
{
    return cbx_fail(err, CBX_E_UNSUPPORTED,
                    "%s: tensor '%s' has type %s, needed is %s", t->file,
                    t->name, t->dtype_name, need);
}

cbx_status cbx_tensor_f32(const cbx_file_tensor *t, float *out, cbx_error *err)
{
    switch (t->dtype) {
    case CBX_FILE_F32:
        if (t->bytes)
            memcpy(out, t->data, t->bytes);
        return CBX_OK;
    case CBX_FILE_F16:
        for (size_t i = 0; i < t->numel; i++)
            out[i] = cbx_half_to_float(load_u16(t->data + 2 * i));
        return CBX_OK;
    case CBX_FILE_BF16:
        for (size_t i = 0; i < t->numel; i++)
            out[i] = cbx_bf16_to_float(load_u16(t->data + 2 * i));
        return CBX_OK;
    default:
        return wrong_type(t, "F32, F16 or BF16", err);
    }
}

/* Element i as a whole number; 0 when it is a float that is not one. */
static int whole(const cbx_file_tensor *t, size_t i, int64_t *out)
{
    const unsigned char *p = t->data + i * cbx_file_dtype_size(t->dtype);
    int32_t i32;
    int16_t i16;
    float f;
    switch (t->dtype) {
    case CBX_FILE_I64:
        memcpy(out, p, 8);
        return 1;
    case CBX_FILE_I32:
        memcpy(&i32, p, 4);
        *out = i32;
        return 1;
    case CBX_FILE_I16:
        memcpy(&i16, p, 2);
        *out = i16;
        return 1;
    case CBX_FILE_U8:
        *out = *p;
        return 1;
    case CBX_FILE_F32:
        memcpy(&f, p, 4);
        break;
    case CBX_FILE_F16:
        f = cbx_half_to_float(load_u16(p));
        break;
    default:
        f = cbx_bf16_to_float(load_u16(p));
        break;
    }
    /* 2^31 as float: past it the cast is not defined */
    if (!(fabsf(f) < 0x1p31f) || f != truncf(f))
        return 0;
    *out = (int64_t)f;
    return 1;
}

cbx_status cbx_tensor_i32(const cbx_file_tensor *t, int32_t *out,
                          cbx_error *err)
{
    if (t->dtype == CBX_FILE_OTHER)
        return wrong_type(t, "an integer type", err);
    for (size_t i = 0; i < t->numel; i++) {
        int64_t v;
        if (!whole(t, i, &v) || v < INT32_MIN || v > INT32_MAX)
            return cbx_fail(err, CBX_E_FORMAT,
                            "%s: element %zu of tensor '%s' is not a whole "
                            "number of 32 bits",
                            t->file, i, t->name);
        out[i] = (int32_t)v;
    }
    return CBX_OK;
}
