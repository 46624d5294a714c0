#include "models/checkpoint/safetensors.h"
#include "tests/check.h"
#include "tests/checkpoint/scratch.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A file of the given header and `n_data` bytes 0, 1, 2, ... */
static const char *make(const char *header, size_t n_data)
{
    static unsigned char file[4096];
    const uint64_t n = strlen(header);
    memcpy(file, &n, 8);
    memcpy(file + 8, header, n);
    for (size_t i = 0; i < n_data; i++)
        file[8 + n + i] = (unsigned char)i;
    return scratch_write("x.safetensors", file, 8 + n + n_data);
}

static void refuse(const char *what, const char *path, const char *part)
{
    cbx_tensor_file *f = NULL;
    cbx_error err = {0};
    const cbx_status st = cbx_tensor_file_open(path, &f, &err);
    check_refused(what, st, &err, CBX_E_FORMAT, part);
    CHECK(strstr(err.text, "x.safetensors"));
    CHECK(!f);
}

#define TENSOR(name, dtype, shape, range)                    \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape \
    ",\"data_offsets\":" range "}"

static const char valid[] = "{\"__metadata__\":{\"family\":\"turbo\"}," TENSOR(
    "a", "F32", "[2,2]",
    "[0,16]") "," TENSOR("b", "I64", "[1]",
                         "[16,24]") "," TENSOR("none", "F32", "[0,3]",
                                               "[24,24]") "," TENSOR("odd",
                                                                     "F64",
                                                                     "[]",
                                                                     "[24,32]") "}   ";

static void a_valid_file_is_read(void)
{
    cbx_tensor_file *f;
    const cbx_file_tensor *t;
    const char *key, *value;
    CHECK(!cbx_safetensors_open(make(valid, 32), &f, NULL));
    CHECK(cbx_tensor_count(f) == 4);
    t = cbx_tensor_find(f, "b");
    CHECK(t && t->dtype == CBX_FILE_I64 && t->ndim == 1 && t->numel == 1);
    CHECK(t->data[0] == 16 && t->bytes == 8);
    t = cbx_tensor_find(f, "odd");
    CHECK(t && t->dtype == CBX_FILE_OTHER && t->ndim == 0 && t->numel == 1);
    CHECK(!strcmp(t->dtype_name, "F64"));
    CHECK(cbx_tensor_find(f, "none")->numel == 0);
    CHECK(!cbx_tensor_find(f, "c"));
    CHECK(!strcmp(cbx_tensor_at(f, 0)->name, "a"));
    CHECK(!strcmp(cbx_tensor_file_metadata(f, "family"), "turbo"));
    CHECK(!cbx_tensor_file_metadata(f, "size"));
    CHECK(cbx_tensor_file_metadata_at(f, 0, &key, &value));
    CHECK(!strcmp(key, "family") && !strcmp(value, "turbo"));
    CHECK(!cbx_tensor_file_metadata_at(f, 1, &key, &value));
    cbx_tensor_file_close(f);
}

static void need_names_file_tensor_and_both_shapes(void)
{
    cbx_tensor_file *f;
    const cbx_file_tensor *t = NULL;
    cbx_error err;
    CHECK(!cbx_safetensors_open(make(valid, 32), &f, NULL));
    CHECK(!cbx_tensor_need(f, "a", 2, (const int64_t[]){2, -1}, &t, &err));
    CHECK(t && t->numel == 4);
    check_refused(
        "shape", cbx_tensor_need(f, "a", 2, (const int64_t[]){3, -1}, &t, &err),
        &err, CBX_E_SHAPE,
        "x.safetensors: tensor 'a' has shape [2, 2], needed is [3, "
        "any]");
    check_refused("rank",
                  cbx_tensor_need(f, "a", 1, (const int64_t[]){4}, &t, &err),
                  &err, CBX_E_SHAPE, "[2, 2], needed is [4]");
    check_refused("missing",
                  cbx_tensor_need(f, "no", 1, (const int64_t[]){4}, &t, &err),
                  &err, CBX_E_SHAPE, "tensor 'no' of shape [4] is missing");
    cbx_tensor_file_close(f);
}

#define ONE(fields) "{\"a\":{" fields "}}"

static void every_damaged_header_is_refused(void)
{
    static const struct {
        const char *header;
        size_t n_data;
        const char *part;
    } cases[] = {
        {"", 4, "not valid JSON"},
        {"{", 4, "not valid JSON"},
        {"[]", 4, "not a map"},
        {"{} x", 0, "not valid JSON"},
        {"{\"\\u0000\":1}", 0, "not valid JSON"},
        {"{}", 4, "4 bytes follow the last tensor"},
        {"{\"a\":7}", 0, "no 'dtype'"},
        {"{\"a\":null}", 0, "no 'dtype'"},
        {ONE("\"shape\":[1],\"data_offsets\":[0,4]"), 4, "no 'dtype'"},
        {ONE("\"dtype\":5,\"shape\":[1],\"data_offsets\":[0,4]"), 4,
         "no 'dtype'"},
        {ONE("\"dtype\":\"F32\",\"data_offsets\":[0,4]"), 4, "no 'shape'"},
        {ONE("\"dtype\":\"F32\",\"shape\":[1]"), 4, "no pair"},
        {"{" TENSOR("a", "Q7", "[1]", "[0,4]") "}", 4, "unknown type 'Q7'"},
        {"{" TENSOR("a", "F32", "[-1]", "[0,4]") "}", 4, "not a whole number"},
        {"{" TENSOR("a", "F32", "[1.5]", "[0,4]") "}", 4, "not a whole number"},
        {"{" TENSOR("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4,
         "more than 8"},
        {"{" TENSOR("a", "F32", "[4294967296,4294967296]", "[0,4]") "}", 4,
         "too large to exist"},
        {"{" TENSOR("a", "F32", "[4611686018427387905]", "[0,4]") "}", 4,
         "do not match"},
        {"{" TENSOR("a", "F32", "[9223372036854775808]", "[0,4]") "}", 4,
         "not valid JSON"},
        {"{" TENSOR("a", "F32", "[1]", "[4,0]") "}", 4, "run backwards"},
        {"{" TENSOR("a", "F32", "[1]", "[-4,0]") "}", 4, "run backwards"},
        {"{" TENSOR("a", "F32", "[1]", "[0]") "}", 4, "no pair"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4,8]") "}", 4, "no pair"},
        {"{" TENSOR("a", "F32", "[1]", "[0,\\\"4\\\"]") "}", 4, "JSON"},
        {"{" TENSOR("a", "F32", "[1]", "[0.0,4.0]") "}", 4, "no pair"},
        {"{" TENSOR("a", "F32", "[2]", "[0,8]") "}", 4, "past the end"},
        {"{" TENSOR("a", "F32", "[1]", "[0,8]") "}", 8, "do not match"},
        {"{" TENSOR("a", "I64", "[1]", "[0,4]") "}", 4, "do not match"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("b", "F32", "[1]",
                                                           "[0,4]") "}",
         4, "overlaps"},
        {"{" TENSOR("a", "F32", "[2]", "[0,8]") "," TENSOR("b", "F32", "[2]",
                                                           "[4,12]") "}",
         12, "overlaps"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("b", "F32", "[1]",
                                                           "[8,12]") "}",
         12, "unused bytes before"},
        {"{" TENSOR("a", "F32", "[1]", "[4,8]") "}", 8, "unused bytes before"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "}", 5, "1 bytes follow"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("a", "F32", "[1]",
                                                           "[4,8]") "}",
         8, "duplicate"},
        {"{" TENSOR("", "F32", "[1]", "[0,4]") "}", 4, "is empty"},
        {"{" TENSOR("a\\u001b[2J", "F32", "[1]", "[0,4]") "}", 4,
         "control characters"},
        {"{\"__metadata__\":[],\"x\":{}}", 0, "not a map"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "not a string"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(cases[i].header, make(cases[i].header, cases[i].n_data),
               cases[i].part);
}

static void a_length_that_cannot_be_is_refused(void)
{
    unsigned char file[32] = {0};
    refuse("empty", scratch_write("x.safetensors", "", 0), "is empty");
    refuse("short", scratch_write("x.safetensors", file, 7), "too short");
    memset(file, 0xff, 8);
    refuse("2^64", scratch_write("x.safetensors", file, 32),
           "does not look like");
    memset(file, 0, 8);
    file[1] = 4;
    refuse("1024", scratch_write("x.safetensors", file, 32), "cut short");
}

static void every_truncation_is_refused(void)
{
    static unsigned char file[4096];
    const char *path = make(valid, 32);
    FILE *in = fopen(path, "rb");
    CHECK(in);
    const size_t n = fread(file, 1, sizeof file, in);
    CHECK(fclose(in) == 0 && n > 300);
    for (size_t cut = 0; cut < n; cut++) {
        cbx_tensor_file *f = NULL;
        cbx_error err;
        path = scratch_write("x.safetensors", file, cut);
        CHECK(cbx_tensor_file_open(path, &f, &err) == CBX_E_FORMAT);
    }
}

static void a_missing_file_or_a_folder_is_refused(void)
{
    cbx_tensor_file *f;
    cbx_error err;
    const char *path = scratch_path("missing.safetensors");
    check_refused("missing", cbx_tensor_file_open(path, &f, &err), &err,
                  CBX_E_FILE, "missing.safetensors: No such file");
    check_refused("folder", cbx_tensor_file_open(scratch_folder(), &f, &err),
                  &err, CBX_E_FILE, "not a regular file");
    CHECK(mkfifo(scratch_path("fifo"), 0600) == 0);
    check_refused("fifo", cbx_safetensors_open(scratch_path("fifo"), &f, &err),
                  &err, CBX_E_FILE, "not a regular file");
}

static void what_is_written_is_read_back(void)
{
    const float a[] = {1, 2, 3, 4, 5, 6};
    const int64_t b[] = {-5};
    const cbx_safetensors_item items[] = {
        {"a", CBX_FILE_F32, 2, {2, 3}, a},
        {"b", CBX_FILE_I64, 1, {1}, b},
        {"none", CBX_FILE_F32, 1, {0}, NULL},
    };
    cbx_tensor_file *f;
    float got[6];
    const char *path = scratch_path("out.safetensors");
    CHECK(!cbx_safetensors_write(path, items, 3, NULL));
    CHECK(!cbx_safetensors_open(path, &f, NULL));
    CHECK(cbx_tensor_count(f) == 3);
    CHECK(!cbx_tensor_f32(cbx_tensor_find(f, "a"), got, NULL));
    CHECK(!memcmp(a, got, sizeof a));
    CHECK(!memcmp(cbx_tensor_find(f, "b")->data, b, 8));
    CHECK((uintptr_t)cbx_tensor_find(f, "a")->data % 8 == 0);
    cbx_tensor_file_close(f);
}

static void what_cannot_be_written_is_refused(void)
{
    const float a[] = {1};
    const cbx_safetensors_item twice[] = {{"a", CBX_FILE_F32, 1, {1}, a},
                                          {"a", CBX_FILE_F32, 1, {1}, a}};
    const cbx_safetensors_item other = {"a", CBX_FILE_OTHER, 1, {1}, a};
    cbx_error err;
    const char *path = scratch_path("no-folder/x.safetensors");
    check_refused("folder", cbx_safetensors_write(path, twice, 1, &err), &err,
                  CBX_E_FILE, "cannot write");
    path = scratch_path("bad.safetensors");
    check_refused("twice", cbx_safetensors_write(path, twice, 2, &err), &err,
                  CBX_E_ARG, "cannot be stored");
    check_refused("other", cbx_safetensors_write(path, &other, 1, &err), &err,
                  CBX_E_ARG, "cannot be stored");
    CHECK(access(path, F_OK) != 0);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Two sparse gigabytes; reading them would take far longer. */
static void opening_does_not_read_the_data(void)
{
    const char *path =
        make("{" TENSOR("a", "F32", "[512,1048576]", "[0,2147483648]") "}", 0);
    struct stat st;
    cbx_tensor_file *f;
    CHECK(!stat(path, &st));
    if (truncate(path, st.st_size + 2147483648LL))
        SKIP("no room for a sparse file of two gigabytes");
    const double start = seconds();
    CHECK(!cbx_safetensors_open(path, &f, NULL));
    CHECK(seconds() - start < 0.1);
    CHECK(cbx_tensor_find(f, "a")->data[2147483647] == 0);
    cbx_tensor_file_close(f);
}

int main(void)
{
    a_valid_file_is_read();
    need_names_file_tensor_and_both_shapes();
    every_damaged_header_is_refused();
    a_length_that_cannot_be_is_refused();
    every_truncation_is_refused();
    a_missing_file_or_a_folder_is_refused();
    what_is_written_is_read_back();
    what_cannot_be_written_is_refused();
    opening_does_not_read_the_data();
    return 0;
}
