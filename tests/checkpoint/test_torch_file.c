#include "models/checkpoint/torch_file.h"
#include "tests/check.h"
#include "tests/checkpoint/scratch.h"
#include "tests/checkpoint/zips.h"

#include <string.h>

/* Pickles are written out as bytes. S: a string of known length; G: a global;
 * TENSOR: a tensor over storage '0' of four floats, with its own arguments. */
#define S(len, text) "X" len "\0\0\0" text
#define G(module, name) "c" module "\n" name "\n"
#define STORAGE(type, key, numel) \
    "(" S("\x07", "storage") type S("\x01", key) S("\x03", "cpu") numel "tQ"
#define FLOATS STORAGE(G("torch", "FloatStorage"), "0", "K\x04")
#define TAIL "\x89" G("collections", "OrderedDict") ")RtR"
#define TENSOR(storage, offset, shape, strides) \
    G("torch._utils", "_rebuild_tensor_v2")     \
    "(" storage offset shape strides TAIL
#define SQUARE "K\2K\2\x86"
#define FOUR "K\4\x85"
#define ONE "K\1\x85"
#define DICT(value) "\x80\2}" S("\1", "a") value "s."

static zip_maker zip;

static const char *make(const char *pickle, size_t n)
{
    static const float data[] = {1, 2, 3, 4};
    static const int64_t ints[] = {7, -8};
    zip_start(&zip);
    zip_add(&zip, "x/data.pkl", pickle, n);
    zip_add(&zip, "x/byteorder", "little", 6);
    zip_add(&zip, "x/data/0", data, sizeof data);
    zip_add(&zip, "x/data/1", ints, sizeof ints);
    zip_add(&zip, "x/version", "3\n", 2);
    zip_finish(&zip);
    return scratch_write("x.pt", zip.bytes, zip.n);
}

static void refuse(const char *what, const char *path, const char *part)
{
    cbx_tensor_file *f = NULL;
    cbx_error err = {0};
    const cbx_status st = cbx_torch_file_open(path, &f, &err);
    check_refused(what, st, &err, CBX_E_FORMAT, part);
    CHECK(!f && strstr(err.text, "x.pt"));
}

static void read_floats(const char *pickle, size_t n, const float *want,
                        size_t count)
{
    cbx_tensor_file *f;
    float got[16];
    CHECK(!cbx_tensor_file_open(make(pickle, n), &f, NULL));
    CHECK(cbx_tensor_count(f) == 1);
    CHECK(cbx_tensor_find(f, "a")->numel == count);
    CHECK(!cbx_tensor_f32(cbx_tensor_find(f, "a"), got, NULL));
    CHECK(!memcmp(got, want, count * sizeof *got));
    cbx_tensor_file_close(f);
}

#define READ(want, pickle) \
    read_floats(pickle, sizeof(pickle) - 1, want, sizeof(want) / sizeof *want)

static void tensors_and_their_views_are_read(void)
{
    const float all[] = {1, 2, 3, 4}, turned[] = {1, 3, 2, 4};
    const float tail[] = {3, 4}, column[] = {2, 4};
    const float wide[] = {3, 3, 3};
    READ(all, DICT(TENSOR(FLOATS, "K\0", SQUARE, "K\2K\1\x86")));
    READ(turned, DICT(TENSOR(FLOATS, "K\0", SQUARE, "K\1K\2\x86")));
    READ(tail, DICT(TENSOR(FLOATS, "K\2", "K\2\x85", ONE)));
    READ(column, DICT(TENSOR(FLOATS, "K\1", "K\2\x85", "K\2\x85")));
    READ(wide, DICT(TENSOR(FLOATS, "K\2", "K\3\x85", "K\0\x85")));
}

static void names_are_paths_and_plain_values_are_left_out(void)
{
    static const char pickle[] = "\x80\2}q\0(" S("\1", "a") "}" S("\1", "b")
        TENSOR(STORAGE(G("torch", "LongStorage"), "1", "K\2"), "K\0", "K\2\x85",
               ONE) "s" S("\1", "c") "](" TENSOR(FLOATS, "K\0", FOUR,
                                                 ONE) "NG\0\0\0\0\0\0\0\0"
                                                      "e" S("\1", "d") "\x88u.";
    cbx_tensor_file *f;
    CHECK(!cbx_torch_file_open(make(pickle, sizeof pickle - 1), &f, NULL));
    CHECK(cbx_tensor_count(f) == 2);
    CHECK(cbx_tensor_find(f, "c.0"));
    const cbx_file_tensor *t = cbx_tensor_find(f, "a.b");
    int32_t got[2];
    CHECK(t && !cbx_tensor_i32(t, got, NULL));
    CHECK(got[0] == 7 && got[1] == -8);
    cbx_tensor_file_close(f);
}

#define CASE(part, pickle)               \
    {                                    \
        part, pickle, sizeof(pickle) - 1 \
    }

static void every_malicious_pickle_is_refused(void)
{
    static const struct {
        const char *part, *pickle;
        size_t n;
    } cases[] = {
        CASE("'os.system'",
             "\x80\2" G("os", "system") S("\4", "true") "\x85R."),
        CASE("'posix.system'", "\x80\2" G("posix", "system") "."),
        CASE("'builtins.eval'",
             DICT(G("builtins", "eval") S("\1", "1") "\x85R")),
        CASE("'torch.load'", "\x80\2" G("torch", "load") "."),
        CASE("'torch._utils._rebuild_tensor'",
             "\x80\2" G("torch._utils", "_rebuild_tensor") "."),
        CASE("'?[31m.x'", "\x80\2" G("\033[31m", "x") "."),
        CASE("not a function", DICT(S("\1", "f") ")R")),
        CASE("not a function", DICT(G("torch", "FloatStorage") ")R")),
        CASE("not a function", DICT(G("collections", "OrderedDict") "}R")),
        CASE("OrderedDict with arguments",
             DICT(G("collections", "OrderedDict") "]\x85R")),
        CASE("Parameter of something else",
             DICT(G("torch._utils", "_rebuild_parameter") "N\x89}\x87R")),
        CASE("not a dictionary", DICT("]}b")),
        CASE("not a dictionary", DICT("}]b")),
        CASE("opcode 0x93", "\x80\2" S("\2", "os") S("\6", "system") "\x93."),
        CASE("opcode 0x69", "\x80\2(ios\nsystem\n."),
        CASE("opcode 0x6f", "\x80\2(" G("torch", "device") "o."),
        CASE("opcode 0x81", "\x80\2" G("torch", "device") ")\x81."),
        CASE("opcode 0x82", "\x80\2\x82\1."),
        CASE("opcode 0x50", "\x80\2Pid\n."),
        CASE("opcode 0x53", "\x80\2S'x'\n."),
        CASE("opcode 0x8b", "\x80\2\x8b\xff\xff\xff\x7f."),
        CASE("opcode 0x95", "\x80\2\x95\0\0\0\0\0\0\0\0."),
        CASE("protocol 2", "\x80\4N."),
        CASE("protocol 2", "N."),
        CASE("protocol 2", ""),
        CASE("ends too early", "\x80\2"),
        CASE("ends too early", "\x80\2X\xff\xff\xff\xff"
                               "abc"),
        CASE("ends too early", "\x80\2"
                               "cos"),
        CASE("ends too early", "\x80\2K"),
        CASE("ends too early", "\x80\2G\0\0"),
        CASE("more than 64 bits", "\x80\2\x8a\x09\1\1\1\1\1\1\1\1\1."),
        CASE("where there is none", "\x80\2}s."),
        CASE("where there is none", "\x80\2R."),
        CASE("where there is none", "\x80\2N(\x85."),
        CASE("where there is none", "\x80\2q\0."),
        CASE("where there is none", "\x80\2(u."),
        CASE("where there is none", "\x80\2t."),
        CASE("key without a value", "\x80\2}(Nu."),
        CASE("not a container", "\x80\2N(NNu."),
        CASE("not a container", "\x80\2}Na."),
        CASE("never made", "\x80\2h\5."),
        CASE("never made", "\x80\2Nr\0\1\0\0j\1\1\0\0."),
        CASE("too many memo entries", "\x80\2Nr\xff\xff\xff\xff."),
        CASE("one value", "\x80\2."),
        CASE("one value", "\x80\2NN."),
        CASE("one value", "\x80\2N(."),
        CASE("one value", "\x80\2N.N"),
        CASE("not a storage", DICT("K\1Q")),
        CASE("keys are not strings", "\x80\2}K\1Ns."),
        CASE("nested too deeply", "\x80\2}q\0" S("\1", "a") "h\0s."),
        CASE("nested too deeply", "\x80\2]q\0h\0a."),
        CASE("there twice",
             "\x80\2}(" S("\1", "a") TENSOR(FLOATS, "K\0", FOUR, ONE)
                 S("\1", "a") TENSOR(FLOATS, "K\0", FOUR, ONE) "u."),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(cases[i].part, make(cases[i].pickle, cases[i].n), cases[i].part);
}

static void every_damaged_tensor_is_refused(void)
{
    static const struct {
        const char *part, *pickle;
        size_t n;
    } cases[] = {
        CASE("past the end", DICT(TENSOR(FLOATS, "K\1", FOUR, ONE))),
        CASE("past the end", DICT(TENSOR(FLOATS, "K\5", "K\0\x85", ONE))),
        CASE("past the end", DICT(TENSOR(FLOATS, "K\0", "K\5\x85", ONE))),
        CASE("past the end", DICT(TENSOR(FLOATS, "K\0", SQUARE, "K\3K\2\x86"))),
        CASE("past the end", DICT(TENSOR(FLOATS, "K\0", "K\3\x85",
                                         "\x8a\x08\0\0\0\0\0\0\0\x40\x85"))),
        CASE("larger than the file",
             DICT(TENSOR(FLOATS, "K\0", "J\0\0\0\x10\x85", "K\0\x85"))),
        CASE("too large to exist", DICT(TENSOR(FLOATS, "K\0",
                                               "\x8a\x08\0\0\0\0\0\0\0\x40"
                                               "K\4K\4\x87",
                                               "K\0K\0K\0\x87"))),
        CASE("damaged shape",
             DICT(TENSOR(FLOATS, "J\xff\xff\xff\xff", FOUR, ONE))),
        CASE("damaged shape",
             DICT(TENSOR(FLOATS, "K\0", "J\xff\xff\xff\xff\x85", ONE))),
        CASE("damaged shape",
             DICT(TENSOR(FLOATS, "K\0", FOUR, "\x8a\1\xff\x85"))),
        CASE("damaged shape", DICT(TENSOR(FLOATS, "K\0", FOUR, "K\1K\1\x86"))),
        CASE("damaged shape", DICT(TENSOR(FLOATS, "K\0", "N", ONE))),
        CASE("damaged shape",
             DICT(TENSOR(FLOATS, "K\0", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t",
                         "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t"))),
        CASE("does not have a storage", DICT(TENSOR("N", "K\0", FOUR, ONE))),
        CASE("not in the file",
             DICT(TENSOR(STORAGE(G("torch", "FloatStorage"), "9", "K\4"), "K\0",
                         FOUR, ONE))),
        CASE("another size",
             DICT(TENSOR(STORAGE(G("torch", "FloatStorage"), "0", "K\5"), "K\0",
                         FOUR, ONE))),
        CASE("another size",
             DICT(TENSOR(STORAGE(G("torch", "LongStorage"), "0", "K\4"), "K\0",
                         FOUR, ONE))),
        CASE("damaged storage",
             DICT(TENSOR(STORAGE("N", "0", "K\4"), "K\0", FOUR, ONE))),
        CASE("damaged storage", DICT(TENSOR(STORAGE(G("torch", "FloatStorage"),
                                                    "0", "J\xff\xff\xff\xff"),
                                            "K\0", FOUR, ONE))),
        CASE("type that is none",
             DICT(TENSOR(STORAGE(G("torch", "float32"), "0", "K\4"), "K\0",
                         FOUR, ONE))),
        CASE("number of arguments",
             DICT(G("torch._utils", "_rebuild_tensor_v2") ")R")),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(cases[i].part, make(cases[i].pickle, cases[i].n), cases[i].part);
}

static void pickles_that_grow_are_refused(void)
{
    static char p[1 << 17];
    size_t n = 2;
    memcpy(p, "\x80\2", 2);
    memset(p + n, '(', 100);
    refuse("marks", make(p, n + 100), "nested too deeply");

    p[n++] = ')';
    memset(p + n, 0x85, 1 << 16);
    n += 1 << 16;
    p[n++] = '.';
    refuse("tuples in tuples", make(p, n), "nested too deeply");

    /* each list holds the one before it eight times: 8^20 values */
    n = 2;
    memcpy(p + n, "Nq\0", 3);
    n += 3;
    for (int level = 1; level < 20; level++) {
        p[n++] = ']';
        p[n++] = '(';
        for (int i = 0; i < 8; i++) {
            p[n++] = 'h';
            p[n++] = (char)(level - 1);
        }
        p[n++] = 'e';
        p[n++] = 'q';
        p[n++] = (char)level;
    }
    /* the lists below the last one are left on the stack: gather them */
    memmove(p + 3, p + 2, n - 2);
    p[2] = '(';
    n++;
    memcpy(p + n, "t.", 2);
    refuse("lists in lists", make(p, n + 2), "too many values");
}

static const char good[] = DICT(TENSOR(FLOATS, "K\0", FOUR, ONE));

/* Makes a good file, lets `damage` change it in memory, and wants a refusal. */
static void refuse_zip(const char *what, void (*damage)(void), const char *part)
{
    make(good, sizeof good - 1);
    damage();
    refuse(what, scratch_write("x.pt", zip.bytes, zip.n), part);
}

static unsigned char *end_record(void)
{
    return zip.bytes + zip.n - 22;
}

/* The i-th entry's record in the central directory. */
static unsigned char *central(int i)
{
    unsigned char *p = zip.bytes + zip.n - 22 - zip.n_central;
    while (i--)
        p += 46 + p[28];
    return p;
}

static void compress_entry(void)
{
    put_u16(central(2) + 10, 8);
}

static void encrypt_entry(void)
{
    put_u16(central(2) + 8, 1);
}

static void odd_flag(void)
{
    put_u16(central(2) + 8, 1 << 5);
}

static void claim_4_gigabytes(void)
{
    put_u32(central(2) + 20, 0xfffffffe);
    put_u32(central(2) + 24, 0xfffffffe);
}

static void sizes_differ(void)
{
    put_u32(central(2) + 24, 8);
}

static void overlap(void)
{
    unsigned char *c = central(4); /* x/version now covers x/data/1 */
    const unsigned char *d = central(3);
    memcpy(c + 42, d + 42, 4);
    memcpy(c + 20, d + 20, 8);
    memcpy(c + 46, "x/data/1", 8);
    put_u16(c + 28, 8);
    put_u16(c + 32, 1); /* what is left of the longer name */
}

static void local_name_differs(void)
{
    zip.bytes[zip.last_local + 31] = '!';
}

static void local_size_differs(void)
{
    put_u32(zip.bytes + zip.last_local + 22, 1);
}

static void no_local_header(void)
{
    zip.bytes[zip.last_local] = 'Q';
}

static void entry_outside(void)
{
    put_u32(central(1) + 42, 0x7fffffff);
}

static void too_many_entries(void)
{
    put_u16(end_record() + 8, 60000);
    put_u16(end_record() + 10, 60000);
}

static void one_entry_less(void)
{
    put_u16(end_record() + 8, 4);
    put_u16(end_record() + 10, 4);
}

static void two_disks(void)
{
    put_u16(end_record() + 4, 1);
}

static void directory_outside(void)
{
    put_u32(end_record() + 16, 0x7fffffff);
}

static void zip64_without_record(void)
{
    put_u32(end_record() + 16, 0xffffffff);
}

static void comment_too_long(void)
{
    put_u16(end_record() + 20, 5);
}

static void wrong_checksum(void)
{
    put_u32(central(0) + 16, 0);
}

static void every_damaged_zip_is_refused(void)
{
    refuse_zip("method", compress_entry, "compressed");
    refuse_zip("encrypted", encrypt_entry, "encrypted");
    refuse_zip("flag", odd_flag, "flags");
    refuse_zip("bomb", claim_4_gigabytes, "past the data");
    refuse_zip("sizes", sizes_differ, "two sizes differ");
    refuse_zip("overlap", overlap, "overlap");
    refuse_zip("name", local_name_differs, "contradicts");
    refuse_zip("local size", local_size_differs, "contradicts");
    refuse_zip("local", no_local_header, "no local header");
    refuse_zip("outside", entry_outside, "outside the file");
    refuse_zip("entries", too_many_entries, "impossible number");
    refuse_zip("entries", one_entry_less, "belong to no entry");
    refuse_zip("disks", two_disks, "several disks");
    refuse_zip("directory", directory_outside, "outside the file");
    refuse_zip("zip64", zip64_without_record, "zip64");
    refuse_zip("comment", comment_too_long, "directory is missing");
    refuse_zip("crc", wrong_checksum, "checksum");
}

static void the_right_entries_must_be_there(void)
{
    cbx_tensor_file *f;
    cbx_error err;
    zip_start(&zip);
    zip_add(&zip, "x/data/0", "1234", 4);
    zip_finish(&zip);
    refuse("none", scratch_write("x.pt", zip.bytes, zip.n), "no single");

    zip_start(&zip);
    zip_add(&zip, "x/data.pkl", good, sizeof good - 1);
    zip_add(&zip, "y/data.pkl", good, sizeof good - 1);
    zip_finish(&zip);
    refuse("two", scratch_write("x.pt", zip.bytes, zip.n), "no single");

    zip_start(&zip);
    zip_add(&zip, "x/data.pkl", good, sizeof good - 1);
    zip_add(&zip, "x/byteorder", "big", 3);
    zip_finish(&zip);
    const char *path = scratch_write("x.pt", zip.bytes, zip.n);
    check_refused("big", cbx_torch_file_open(path, &f, &err), &err,
                  CBX_E_UNSUPPORTED, "big-endian");
}

/* Damage in any byte gives tensors or a sentence, never a crash: the
 * sanitizers watch. Truncation is always refused. */
static void no_damage_crashes(void)
{
    static const unsigned char masks[] = {0xff, 0x01, 0x80};
    int refused = 0;
    make(good, sizeof good - 1);
    for (size_t i = 0; i < zip.n; i++) {
        for (size_t m = 0; m < sizeof masks; m++) {
            cbx_tensor_file *f = NULL;
            zip.bytes[i] ^= masks[m];
            const char *path = scratch_write("x.pt", zip.bytes, zip.n);
            refused += cbx_torch_file_open(path, &f, NULL) != CBX_OK;
            cbx_tensor_file_close(f);
            zip.bytes[i] ^= masks[m];
        }
        cbx_tensor_file *f = NULL;
        const char *path = scratch_write("x.pt", zip.bytes, i);
        CHECK(cbx_torch_file_open(path, &f, NULL) != CBX_OK);
    }
    CHECK(refused > (int)zip.n);
}

/* Bytes of a random walk through the opcodes, straight into the parser. */
static void random_pickles_do_not_crash(void)
{
    static const char ops[] = "}])N\x88\x89K\x01M\x02\x01(t\x85\x86\x87"
                              "aesuq\x01h\x01QRbq\x02h\x02(((tt";
    unsigned seed = 1;
    for (int round = 0; round < 3000; round++) {
        char p[256] = "\x80\2";
        size_t n = 2;
        while (n < 200) {
            seed = seed * 1664525 + 1013904223;
            if (seed >> 28 == 0)
                n += (size_t)sprintf(p + n, "ccollections\nOrderedDict\n");
            else
                p[n++] = ops[(seed >> 8) % (sizeof ops - 1)];
        }
        p[n++] = '.';
        cbx_tensor_file *f = NULL;
        const cbx_status st = cbx_torch_file_open(make(p, n), &f, NULL);
        CHECK(!st == !!f);
        cbx_tensor_file_close(f);
    }
}

int main(void)
{
    tensors_and_their_views_are_read();
    names_are_paths_and_plain_values_are_left_out();
    every_malicious_pickle_is_refused();
    every_damaged_tensor_is_refused();
    pickles_that_grow_are_refused();
    every_damaged_zip_is_refused();
    the_right_entries_must_be_there();
    no_damage_crashes();
    random_pickles_do_not_crash();
    return 0;
}
