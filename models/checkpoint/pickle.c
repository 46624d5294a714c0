#include "models/checkpoint/pickle.h"

#include "models/checkpoint/table.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_STACK = 1 << 20,
    MAX_MARKS = 64,
    MAX_MEMO = PICKLE_MAX_NODES,
    MAX_ITEMS = 1 << 22,
};

/* What may stand in a GLOBAL, and what calling it would make. */
typedef enum role {
    ROLE_TYPE, /* a storage or data type: only ever an argument */
    ROLE_DICT,
    ROLE_TENSOR,
    ROLE_PARAMETER, /* a tensor in a wrapper: the first argument */
    ROLE_DEVICE,
    ROLE_SIZE, /* torch.Size(tuple) is the tuple */
} role;

static const struct global {
    const char *module, *name;
    role role;
} globals[] = {
    {"torch._utils", "_rebuild_tensor_v2", ROLE_TENSOR},
    {"torch._utils", "_rebuild_parameter", ROLE_PARAMETER},
    {"collections", "OrderedDict", ROLE_DICT},
    {"torch", "device", ROLE_DEVICE},
    {"torch", "Size", ROLE_SIZE},
    {"torch", "FloatStorage", ROLE_TYPE},
    {"torch", "HalfStorage", ROLE_TYPE},
    {"torch", "BFloat16Storage", ROLE_TYPE},
    {"torch", "DoubleStorage", ROLE_TYPE},
    {"torch", "LongStorage", ROLE_TYPE},
    {"torch", "IntStorage", ROLE_TYPE},
    {"torch", "ShortStorage", ROLE_TYPE},
    {"torch", "CharStorage", ROLE_TYPE},
    {"torch", "ByteStorage", ROLE_TYPE},
    {"torch", "BoolStorage", ROLE_TYPE},
    {"torch", "float32", ROLE_TYPE},
    {"torch", "float16", ROLE_TYPE},
    {"torch", "bfloat16", ROLE_TYPE},
    {"torch", "int64", ROLE_TYPE},
    {"torch", "int32", ROLE_TYPE},
};

typedef struct reader {
    const unsigned char *at, *end;
    const char *path;
    cbx_error *err;
    pickle_tree tree;
    uint32_t *stack; /* node numbers */
    uint32_t depth, stack_room;
    uint32_t marks[MAX_MARKS]; /* stack depth at each MARK */
    int n_marks;
    uint32_t *memo; /* node number + 1 */
    uint32_t memo_room;
    uint32_t items; /* in all containers together */
} reader;

static cbx_status bad(reader *r, const char *what)
{
    return cbx_fail(r->err, CBX_E_FORMAT, "%s: the pickle in it %s", r->path,
                    what);
}

static cbx_status no_memory(reader *r)
{
    return cbx_fail(r->err, CBX_E_NOMEM, "no memory to open %s", r->path);
}

/* Grows an array of uint32 to hold at least `need` (a bounded number). */
static int grow(uint32_t **p, uint32_t *room, uint32_t need)
{
    if (need <= *room)
        return 1;
    uint32_t n = *room ? *room : 16;
    while (n < need)
        n *= 2;
    uint32_t *q = realloc(*p, n * sizeof *q);
    if (!q)
        return 0;
    memset(q + *room, 0, (n - *room) * sizeof *q);
    *p = q;
    *room = n;
    return 1;
}

static cbx_status push(reader *r, uint32_t node)
{
    if (r->depth == MAX_STACK)
        return bad(r, "has too many values");
    if (!grow(&r->stack, &r->stack_room, r->depth + 1))
        return no_memory(r);
    r->stack[r->depth++] = node;
    return CBX_OK;
}

/* The lowest stack place the current MARK lets us take from. */
static uint32_t floor_of(const reader *r)
{
    return r->n_marks ? r->marks[r->n_marks - 1] : 0;
}

static cbx_status pop(reader *r, uint32_t *node)
{
    if (r->depth <= floor_of(r))
        return bad(r, "takes a value where there is none");
    *node = r->stack[--r->depth];
    return CBX_OK;
}

static cbx_status add_node(reader *r, pickle_kind kind, uint32_t *out)
{
    pickle_tree *t = &r->tree;
    if (t->n == PICKLE_MAX_NODES)
        return bad(r, "has too many values");
    if (t->n == t->room) {
        const uint32_t room = t->room ? 2 * t->room : 256;
        pickle_node *p = realloc(t->nodes, room * sizeof *p);
        if (!p)
            return no_memory(r);
        t->nodes = p;
        t->room = room;
    }
    t->nodes[t->n] = (pickle_node){.kind = kind};
    *out = t->n++;
    return CBX_OK;
}

static cbx_status push_node(reader *r, pickle_kind kind, pickle_node **out)
{
    uint32_t node = 0;
    cbx_status st = add_node(r, kind, &node);
    if (!st)
        st = push(r, node);
    if (!st)
        *out = &r->tree.nodes[node];
    return st;
}

static cbx_status push_int(reader *r, pickle_kind kind, int64_t value)
{
    pickle_node *node;
    const cbx_status st = push_node(r, kind, &node);
    if (!st)
        node->value.integer = value;
    return st;
}

static cbx_status append(reader *r, uint32_t to, const uint32_t *from,
                         uint32_t n)
{
    pickle_node *node = &r->tree.nodes[to];
    if (n > MAX_ITEMS - r->items)
        return bad(r, "has too many values");
    if (!grow(&node->items, &node->room, node->n + n))
        return no_memory(r);
    if (n)
        memcpy(node->items + node->n, from, n * sizeof *from);
    node->n += n;
    r->items += n;
    return CBX_OK;
}

/* n bytes of the pickle, or NULL past its end. */
static const unsigned char *take(reader *r, size_t n)
{
    if (n > (size_t)(r->end - r->at))
        return NULL;
    const unsigned char *p = r->at;
    r->at += n;
    return p;
}

static uint64_t little(const unsigned char *p, int n)
{
    uint64_t v = 0;
    for (int i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static cbx_status cut_short(reader *r)
{
    return bad(r, "ends too early");
}

/* A little-endian operand of n bytes. */
static cbx_status operand(reader *r, int n, uint64_t *out)
{
    const unsigned char *p = take(r, (size_t)n);
    if (!p)
        return cut_short(r);
    *out = little(p, n);
    return CBX_OK;
}

static cbx_status op_int(reader *r, int n)
{
    uint64_t v = 0;
    const cbx_status st = operand(r, n, &v);
    if (st)
        return st;
    /* BININT is signed, the short ones are not */
    return push_int(r, PICKLE_INT, n == 4 ? (int32_t)v : (int64_t)v);
}

static cbx_status op_long(reader *r)
{
    uint64_t n = 0;
    cbx_status st = operand(r, 1, &n);
    if (st)
        return st;
    if (n > 8)
        return bad(r, "has a number of more than 64 bits");
    const unsigned char *p = take(r, (size_t)n);
    if (!p)
        return cut_short(r);
    uint64_t v = little(p, (int)n);
    if (n && n < 8 && p[n - 1] & 0x80)
        v |= ~UINT64_C(0) << 8 * n;
    return push_int(r, PICKLE_INT, (int64_t)v);
}

static cbx_status op_float(reader *r)
{
    const unsigned char *p = take(r, 8);
    if (!p)
        return cut_short(r);
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | p[i];
    pickle_node *node;
    const cbx_status st = push_node(r, PICKLE_FLOAT, &node);
    if (!st)
        memcpy(&node->value.real, &bits, sizeof bits);
    return st;
}

static cbx_status op_str(reader *r)
{
    uint64_t n = 0;
    cbx_status st = operand(r, 4, &n);
    if (st)
        return st;
    const unsigned char *p = take(r, (size_t)n);
    if (!p)
        return cut_short(r);
    pickle_node *node;
    if ((st = push_node(r, PICKLE_STR, &node)))
        return st;
    node->text = (const char *)p;
    node->text_len = (size_t)n;
    return CBX_OK;
}

/* Up to the next line feed. */
static cbx_status take_line(reader *r, const char **s, size_t *n)
{
    const unsigned char *nl = memchr(r->at, '\n', (size_t)(r->end - r->at));
    if (!nl)
        return cut_short(r);
    *s = (const char *)r->at;
    *n = (size_t)(nl - r->at);
    r->at = nl + 1;
    return CBX_OK;
}

static int equals(const char *s, size_t n, const char *z)
{
    return strlen(z) == n && memcmp(s, z, n) == 0;
}

static cbx_status op_global(reader *r)
{
    const char *module = NULL, *name = NULL;
    size_t module_len = 0, name_len = 0;
    cbx_status st = take_line(r, &module, &module_len);
    if (!st)
        st = take_line(r, &name, &name_len);
    if (st)
        return st;
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
        pickle_node *node;
        if (!equals(module, module_len, globals[i].module) ||
            !equals(name, name_len, globals[i].name))
            continue;
        if ((st = push_node(r, PICKLE_GLOBAL, &node)))
            return st;
        node->value.integer = (int64_t)i;
        node->text = globals[i].name;
        node->text_len = name_len;
        return CBX_OK;
    }
    char m[SHOW], s[SHOW];
    return cbx_fail(r->err, CBX_E_FORMAT,
                    "%s asks for '%s.%s', which has no place in a file of "
                    "tensors; it was not run. Do not trust this file",
                    r->path, show_text(module, module_len, m),
                    show_text(name, name_len, s));
}

static cbx_status op_mark(reader *r)
{
    if (r->n_marks == MAX_MARKS)
        return bad(r, "is nested too deeply");
    r->marks[r->n_marks++] = r->depth;
    return CBX_OK;
}

/* Everything above the last MARK: *from is its first stack place. */
static cbx_status pop_mark(reader *r, uint32_t *from)
{
    if (!r->n_marks)
        return bad(r, "takes a MARK where there is none");
    *from = r->marks[--r->n_marks];
    return CBX_OK;
}

/* The stack from place `from` on; an empty one has no memory yet. */
static const uint32_t *above(const reader *r, uint32_t from)
{
    return r->stack ? r->stack + from : NULL;
}

/* A tuple of the stack from place `from` on. */
static cbx_status make_tuple(reader *r, uint32_t from)
{
    uint32_t node = 0;
    cbx_status st = add_node(r, PICKLE_TUPLE, &node);
    if (!st)
        st = append(r, node, above(r, from), r->depth - from);
    if (st)
        return st;
    r->depth = from;
    return push(r, node);
}

static cbx_status op_tuple(reader *r)
{
    uint32_t from = 0;
    const cbx_status st = pop_mark(r, &from);
    return st ? st : make_tuple(r, from);
}

static cbx_status op_tuple_n(reader *r, uint32_t n)
{
    if (r->depth - floor_of(r) < n)
        return bad(r, "takes a value where there is none");
    return make_tuple(r, r->depth - n);
}

/* Moves the stack from place `from` on into the container below it. */
static cbx_status fill(reader *r, uint32_t from, pickle_kind kind)
{
    if (from <= floor_of(r))
        return bad(r, "takes a value where there is none");
    const uint32_t to = r->stack[from - 1], n = r->depth - from;
    if (r->tree.nodes[to].kind != kind)
        return bad(r, "puts items into something that is not a container");
    if (kind == PICKLE_DICT && n % 2)
        return bad(r, "has a key without a value");
    const cbx_status st = append(r, to, above(r, from), n);
    r->depth = from;
    return st;
}

static cbx_status op_fill_marked(reader *r, pickle_kind kind)
{
    uint32_t from = 0;
    const cbx_status st = pop_mark(r, &from);
    return st ? st : fill(r, from, kind);
}

static cbx_status op_fill_n(reader *r, uint32_t n, pickle_kind kind)
{
    if (r->depth - floor_of(r) < n)
        return bad(r, "takes a value where there is none");
    return fill(r, r->depth - n, kind);
}

static cbx_status op_put(reader *r, int width)
{
    uint64_t at = 0;
    const cbx_status st = operand(r, width, &at);
    if (st)
        return st;
    if (at >= MAX_MEMO)
        return bad(r, "has too many memo entries");
    if (r->depth <= floor_of(r))
        return bad(r, "takes a value where there is none");
    if (!grow(&r->memo, &r->memo_room, (uint32_t)at + 1))
        return no_memory(r);
    r->memo[at] = r->stack[r->depth - 1] + 1;
    return CBX_OK;
}

static cbx_status op_get(reader *r, int width)
{
    uint64_t at = 0;
    const cbx_status st = operand(r, width, &at);
    if (st)
        return st;
    if (at >= r->memo_room || !r->memo[at])
        return bad(r, "asks for a memo entry that was never made");
    return push(r, r->memo[at] - 1);
}

/* A new node of `kind` with the items of the tuple `args`. */
static cbx_status make_from(reader *r, pickle_kind kind, uint32_t args)
{
    uint32_t node = 0;
    cbx_status st = add_node(r, kind, &node);
    if (!st)
        st = append(r, node, r->tree.nodes[args].items, r->tree.nodes[args].n);
    return st ? st : push(r, node);
}

static cbx_status op_persid(reader *r)
{
    uint32_t id = 0;
    const cbx_status st = pop(r, &id);
    if (st)
        return st;
    if (r->tree.nodes[id].kind != PICKLE_TUPLE)
        return bad(r, "has a persistent id that is not a storage");
    return make_from(r, PICKLE_STORAGE, id);
}

static cbx_status op_reduce(reader *r)
{
    uint32_t args = 0, callee = 0;
    cbx_status st = pop(r, &args);
    if (!st)
        st = pop(r, &callee);
    if (st)
        return st;
    const pickle_node *a = &r->tree.nodes[args], *c = &r->tree.nodes[callee];
    if (c->kind != PICKLE_GLOBAL || a->kind != PICKLE_TUPLE)
        return bad(r, "calls something that is not a function");
    switch (globals[c->value.integer].role) {
    case ROLE_DICT:
        if (a->n != 0)
            return bad(r, "makes an OrderedDict with arguments");
        return make_from(r, PICKLE_DICT, args);
    case ROLE_TENSOR:
        return make_from(r, PICKLE_TENSOR, args);
    case ROLE_DEVICE:
        return make_from(r, PICKLE_DEVICE, args);
    case ROLE_PARAMETER:
        if (a->n != 3 || r->tree.nodes[a->items[0]].kind != PICKLE_TENSOR)
            return bad(r, "makes a Parameter of something else");
        return push(r, a->items[0]);
    case ROLE_SIZE:
        if (a->n != 1 || r->tree.nodes[a->items[0]].kind != PICKLE_TUPLE)
            return bad(r, "makes a torch.Size of something else");
        return push(r, a->items[0]);
    default:
        return bad(r, "calls something that is not a function");
    }
}

/* nn.Module.state_dict leaves `_metadata` on its OrderedDict. It is of no use
 * to us, so it is dropped; nothing else may carry state. */
static cbx_status op_build(reader *r)
{
    uint32_t state = 0;
    const cbx_status st = pop(r, &state);
    if (st)
        return st;
    if (r->depth <= floor_of(r) ||
        r->tree.nodes[r->stack[r->depth - 1]].kind != PICKLE_DICT ||
        r->tree.nodes[state].kind != PICKLE_DICT)
        return bad(r, "sets the state of something that is not a dictionary");
    return CBX_OK;
}

static cbx_status op_simple(reader *r, pickle_kind kind)
{
    pickle_node *node;
    return push_node(r, kind, &node);
}

static cbx_status unknown_op(reader *r, unsigned op)
{
    return cbx_fail(r->err, CBX_E_FORMAT,
                    "%s: the pickle in it has opcode 0x%02x, which has no "
                    "place in a file of tensors; nothing was run",
                    r->path, op);
}

static cbx_status step(reader *r, unsigned op)
{
    switch (op) {
    case '}':
        return op_simple(r, PICKLE_DICT);
    case ']':
        return op_simple(r, PICKLE_LIST);
    case ')':
        return op_simple(r, PICKLE_TUPLE);
    case 'N':
        return op_simple(r, PICKLE_NONE);
    case 0x88:
        return push_int(r, PICKLE_BOOL, 1);
    case 0x89:
        return push_int(r, PICKLE_BOOL, 0);
    case 'J':
        return op_int(r, 4);
    case 'M':
        return op_int(r, 2);
    case 'K':
        return op_int(r, 1);
    case 0x8a:
        return op_long(r);
    case 'G':
        return op_float(r);
    case 'X':
        return op_str(r);
    case 'c':
        return op_global(r);
    case '(':
        return op_mark(r);
    case 't':
        return op_tuple(r);
    case 0x85:
    case 0x86:
    case 0x87:
        return op_tuple_n(r, op - 0x84);
    case 'a':
        return op_fill_n(r, 1, PICKLE_LIST);
    case 'e':
        return op_fill_marked(r, PICKLE_LIST);
    case 's':
        return op_fill_n(r, 2, PICKLE_DICT);
    case 'u':
        return op_fill_marked(r, PICKLE_DICT);
    case 'q':
        return op_put(r, 1);
    case 'r':
        return op_put(r, 4);
    case 'h':
        return op_get(r, 1);
    case 'j':
        return op_get(r, 4);
    case 'Q':
        return op_persid(r);
    case 'R':
        return op_reduce(r);
    case 'b':
        return op_build(r);
    default:
        return unknown_op(r, op);
    }
}

static cbx_status read_pickle(reader *r)
{
    const unsigned char *head = take(r, 2);
    if (!head || head[0] != 0x80 || head[1] != 2)
        return bad(r, "is not of protocol 2");
    for (;;) {
        const unsigned char *op = take(r, 1);
        if (!op)
            return cut_short(r);
        if (*op == '.')
            break;
        const cbx_status st = step(r, *op);
        if (st)
            return st;
    }
    if (r->depth != 1 || r->n_marks || r->at != r->end)
        return bad(r, "does not end in one value");
    r->tree.root = r->stack[0];
    return CBX_OK;
}

cbx_status pickle_parse(const unsigned char *data, size_t size,
                        const char *path, pickle_tree *out, cbx_error *err)
{
    reader r = {.at = data, .end = data + size, .path = path, .err = err};
    const cbx_status st = read_pickle(&r);
    free(r.stack);
    free(r.memo);
    if (st)
        pickle_free(&r.tree);
    else
        *out = r.tree;
    return st;
}

void pickle_free(pickle_tree *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        free(t->nodes[i].items);
    free(t->nodes);
    *t = (pickle_tree){0};
}
