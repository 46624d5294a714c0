#include "models/checkpoint/tensor.h"
#include "tests/check.h"
#include "tests/checkpoint/scratch.h"

#include <string.h>

static float half_by_definition(unsigned h)
{
    const int exponent = h >> 10 & 31;
    const float m = (float)(h & 1023), sign = h & 0x8000 ? -1.0f : 1.0f;
    if (exponent == 31)
        return m != 0 ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexpf(1024 + m, exponent - 25) : ldexpf(m, -24));
}

static void every_half_is_converted_exactly(void)
{
    for (unsigned h = 0; h < 65536; h++) {
        const float got = cbx_half_to_float((uint16_t)h);
        const float want = half_by_definition(h);
        CHECK(isnan(want) ? isnan(got) : got == want);
        CHECK(!signbit(got) == !(h & 0x8000) || isnan(want));
    }
}

static void bfloat16_is_the_upper_half_of_a_float(void)
{
    CHECK(cbx_bf16_to_float(0x3F80) == 1.0f);
    CHECK(cbx_bf16_to_float(0xC2F7) == -123.5f);
    CHECK(cbx_bf16_to_float(0x0001) == 0x1p-133f);
    CHECK(isinf(cbx_bf16_to_float(0x7F80)));
}

static cbx_file_tensor tensor_of(cbx_file_dtype dtype, size_t n,
                                 const void *data)
{
    return (cbx_file_tensor){.name = "x",
                             .file = "file",
                             .dtype = dtype,
                             .dtype_name = "T",
                             .ndim = 1,
                             .dims = {(int64_t)n},
                             .numel = n,
                             .bytes = n * cbx_file_dtype_size(dtype),
                             .data = data};
}

static void integers_of_every_type_are_read(void)
{
    const int64_t i64[] = {-1, INT32_MAX};
    const int16_t i16[] = {-7, 300};
    const uint8_t u8[] = {0, 255};
    const float f32[] = {-3.0f, 6561.0f};
    const uint16_t f16[] = {0xBC00, 0x4000}; /* -1, 2 */
    int32_t out[2];
    cbx_file_tensor t = tensor_of(CBX_FILE_I64, 2, i64);
    CHECK(!cbx_tensor_i32(&t, out, NULL) && out[0] == -1 &&
          out[1] == INT32_MAX);
    t = tensor_of(CBX_FILE_I16, 2, i16);
    CHECK(!cbx_tensor_i32(&t, out, NULL) && out[0] == -7 && out[1] == 300);
    t = tensor_of(CBX_FILE_U8, 2, u8);
    CHECK(!cbx_tensor_i32(&t, out, NULL) && out[1] == 255);
    t = tensor_of(CBX_FILE_F32, 2, f32);
    CHECK(!cbx_tensor_i32(&t, out, NULL) && out[0] == -3 && out[1] == 6561);
    t = tensor_of(CBX_FILE_F16, 2, f16);
    CHECK(!cbx_tensor_i32(&t, out, NULL) && out[0] == -1 && out[1] == 2);
}

static void what_is_no_int32_is_refused(void)
{
    const int64_t big[] = {0, INT64_C(1) << 31};
    const float values[] = {0.5f, NAN, INFINITY, 0x1p31f, -0x1p40f};
    int32_t out[2];
    cbx_error err;
    cbx_file_tensor t = tensor_of(CBX_FILE_I64, 2, big);
    check_refused("2^31", cbx_tensor_i32(&t, out, &err), &err, CBX_E_FORMAT,
                  "element 1 of tensor 'x'");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        t = tensor_of(CBX_FILE_F32, 1, &values[i]);
        check_refused("float", cbx_tensor_i32(&t, out, &err), &err,
                      CBX_E_FORMAT, "element 0");
    }
}

static void a_type_that_holds_no_floats_is_refused(void)
{
    const int64_t data[1] = {1};
    float out[1];
    cbx_error err;
    const cbx_file_tensor t = tensor_of(CBX_FILE_I64, 1, data);
    check_refused("I64", cbx_tensor_f32(&t, out, &err), &err, CBX_E_UNSUPPORTED,
                  "needed is F32, F16 or BF16");
}

static void data_may_lie_at_odd_addresses(void)
{
    unsigned char block[9] = {0};
    const float one = 1.0f, minus = -2.0f;
    float out[2];
    memcpy(block + 1, &one, 4);
    memcpy(block + 5, &minus, 4);
    cbx_file_tensor t = tensor_of(CBX_FILE_F32, 2, block + 1);
    CHECK(!cbx_tensor_f32(&t, out, NULL));
    CHECK(out[0] == 1.0f && out[1] == -2.0f);
    t = tensor_of(CBX_FILE_F16, 2, block + 1);
    CHECK(!cbx_tensor_f32(&t, out, NULL));
}

int main(void)
{
    every_half_is_converted_exactly();
    bfloat16_is_the_upper_half_of_a_float();
    integers_of_every_type_are_read();
    what_is_no_int32_is_refused();
    a_type_that_holds_no_floats_is_refused();
    data_may_lie_at_odd_addresses();
    return 0;
}
