/* The LV2 shell in a small host of our own: what hosts do, and what bad hosts
 * do: no worker, no makePath, no log, wrong URIDs, atoms that lie about their
 * size, buffers that are too small, state that is broken. */
#include "plugin/lv2/shell.h"
#include "rt/clock.h"
#include "tests/check.h"
#include "tests/plugin/fake.h"
#include "tests/rt/rtcheck.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RATE = 48000, BLOCK = 1024, ROOM = 1 << 18, STORED = 300 };

/* -- the host -------------------------------------------------------------- */

static char *uris[600];

static LV2_URID map_uri(LV2_URID_Map_Handle h, const char *uri)
{
    (void)h;
    for (LV2_URID i = 1; i < 600; i++) {
        if (!uris[i])
            uris[i] = strdup(uri);
        if (strcmp(uris[i], uri) == 0)
            return i;
    }
    return 0;
}

static LV2_URID_Map map = {NULL, map_uri};
static const LV2_Feature map_feature = {LV2_URID__map, &map};

static int scheduled;

static LV2_Worker_Status schedule(LV2_Worker_Schedule_Handle h, uint32_t size,
                                  const void *data)
{
    (void)h;
    (void)data;
    scheduled += size > 0;
    return LV2_WORKER_SUCCESS;
}

static LV2_Worker_Schedule worker = {NULL, schedule};
static const LV2_Feature worker_feature = {LV2_WORKER__schedule, &worker};

static char folder[64] = "/tmp/lv2-state-XXXXXX";

static char *make_path(LV2_State_Make_Path_Handle h, const char *name)
{
    (void)h;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return strdup(path);
}

static char *abstract_path(LV2_State_Map_Path_Handle h, const char *path)
{
    (void)h;
    CHECK(strncmp(path, folder, strlen(folder)) == 0);
    return strdup(path + strlen(folder) + 1);
}

static char *absolute_path(LV2_State_Map_Path_Handle h, const char *path)
{
    return make_path(h, path);
}

static LV2_State_Make_Path paths = {NULL, make_path};
static LV2_State_Map_Path mapping = {NULL, abstract_path, absolute_path};
static const LV2_Feature paths_feature = {LV2_STATE__makePath, &paths};
static const LV2_Feature mapping_feature = {LV2_STATE__mapPath, &mapping};

static const LV2_Feature *const all_features[] = {
    &map_feature, &worker_feature, &paths_feature, &mapping_feature, NULL};
static const LV2_Feature *const few_features[] = {&map_feature, NULL};

static struct stored {
    LV2_URID key, type;
    size_t size;
    void *value;
} stored[STORED];
static int stored_count;

static LV2_State_Status store(LV2_State_Handle h, uint32_t key,
                              const void *value, size_t size, uint32_t type,
                              uint32_t flags)
{
    (void)h;
    CHECK(flags & LV2_STATE_IS_POD && stored_count < STORED);
    struct stored *s = &stored[stored_count++];
    *s = (struct stored){key, type, size, malloc(size)};
    memcpy(s->value, value, size);
    return LV2_STATE_SUCCESS;
}

static const void *retrieve(LV2_State_Handle h, uint32_t key, size_t *size,
                            uint32_t *type, uint32_t *flags)
{
    (void)h;
    for (int i = 0; i < stored_count; i++) {
        if (stored[i].key != key)
            continue;
        *size = stored[i].size;
        *type = stored[i].type;
        *flags = LV2_STATE_IS_POD;
        return stored[i].value;
    }
    return NULL;
}

static void forget(void)
{
    while (stored_count)
        free(stored[--stored_count].value);
}

typedef struct host {
    shell *s;
    float ports[PORT_COUNT];
    float out[ROOM];
    uint8_t *control, *notify;
    LV2_Atom_Forge forge;
    LV2_Atom_Forge_Frame frame;
} host;

static host *host_open(const LV2_Feature *const *features)
{
    host *h = calloc(1, sizeof *h);
    CHECK(h);
    h->control = calloc(1, NOTIFY_BYTES);
    h->notify = calloc(1, NOTIFY_BYTES);
    h->s = shell_descriptor.instantiate(&shell_descriptor, RATE, "/", features);
    CHECK(h->s && h->control && h->notify);
    for (int i = 0; i < PLUG_PARAMS; i++)
        h->ports[PORT_PARAMS + i] = plug_params[i].normal;
    for (uint32_t i = 0; i < PORT_COUNT; i++)
        shell_descriptor.connect_port(h->s, i, &h->ports[i]);
    shell_descriptor.connect_port(h->s, PORT_CONTROL, h->control);
    shell_descriptor.connect_port(h->s, PORT_NOTIFY, h->notify);
    shell_descriptor.activate(h->s);
    lv2_atom_forge_init(&h->forge, &map);
    return h;
}

static void host_close(host *h)
{
    shell_descriptor.cleanup(h->s);
    free(h->control);
    free(h->notify);
    free(h);
}

static void events_begin(host *h)
{
    lv2_atom_forge_set_buffer(&h->forge, h->control, NOTIFY_BYTES);
    CHECK(lv2_atom_forge_sequence_head(&h->forge, &h->frame, 0));
}

static void run_for(host *h, uint32_t at, uint32_t n, uint32_t notify_room)
{
    lv2_atom_forge_pop(&h->forge, &h->frame);
    ((LV2_Atom *)h->notify)->size = notify_room;
    shell_descriptor.connect_port(h->s, PORT_OUT, h->out + at);
    if (h->ports[PORT_FREEWHEEL] == 0)
        rtcheck_enter();
    shell_descriptor.run(h->s, n);
    if (h->ports[PORT_FREEWHEEL] == 0)
        rtcheck_leave();
    if (scheduled) {
        const LV2_Worker_Interface *w =
            shell_descriptor.extension_data(LV2_WORKER__interface);
        CHECK(w->work(h->s, NULL, NULL, 1, "") == LV2_WORKER_SUCCESS);
        scheduled = 0;
    }
    events_begin(h);
}

static void run(host *h, uint32_t at, uint32_t n)
{
    run_for(h, at, n, NOTIFY_BYTES - sizeof(LV2_Atom));
}

static void put_set(host *h, LV2_URID what, const char *text, LV2_URID type)
{
    LV2_Atom_Forge *f = &h->forge;
    LV2_Atom_Forge_Frame frame;
    lv2_atom_forge_frame_time(f, 0);
    lv2_atom_forge_object(f, &frame, 0, h->s->uris.patch_Set);
    lv2_atom_forge_key(f, h->s->uris.patch_property);
    lv2_atom_forge_urid(f, what);
    lv2_atom_forge_key(f, h->s->uris.patch_value);
    lv2_atom_forge_typed_string(f, type, text, (uint32_t)strlen(text));
    lv2_atom_forge_pop(f, &frame);
}

static void put_text(host *h, const char *text)
{
    put_set(h, h->s->uris.text, text, h->s->uris.atom_String);
}

static void put_get(host *h)
{
    LV2_Atom_Forge_Frame frame;
    lv2_atom_forge_frame_time(&h->forge, 0);
    lv2_atom_forge_object(&h->forge, &frame, 0, h->s->uris.patch_Get);
    lv2_atom_forge_pop(&h->forge, &frame);
}

static void put_position(host *h, uint32_t at, float speed, int64_t frame)
{
    LV2_Atom_Forge_Frame f;
    lv2_atom_forge_frame_time(&h->forge, at);
    lv2_atom_forge_object(&h->forge, &f, 0, h->s->uris.time_Position);
    lv2_atom_forge_key(&h->forge, h->s->uris.time_speed);
    lv2_atom_forge_float(&h->forge, speed);
    lv2_atom_forge_key(&h->forge, h->s->uris.time_frame);
    lv2_atom_forge_long(&h->forge, frame);
    lv2_atom_forge_pop(&h->forge, &f);
}

static void put_midi(host *h, uint32_t at, uint8_t a, uint8_t b, uint8_t c)
{
    const uint8_t m[] = {a, b, c};
    lv2_atom_forge_frame_time(&h->forge, at);
    lv2_atom_forge_atom(&h->forge, 3, h->s->uris.midi_MidiEvent);
    lv2_atom_forge_write(&h->forge, m, 3);
}

static float *rendered(const char *text, size_t *n)
{
    const plug_request r = {text, "", 0, 1.0f, 0.0f};
    return fake_rendered(&r, RATE, n);
}

/* The String that the last block told for a property; NULL: none. */
static const char *told(host *h, LV2_URID what)
{
    const char *found = NULL;
    LV2_ATOM_SEQUENCE_FOREACH((LV2_Atom_Sequence *)h->notify, ev)
    {
        const LV2_Atom_Object *o = (const LV2_Atom_Object *)&ev->body;
        const LV2_Atom *key = NULL, *value = NULL;
        lv2_atom_object_get(o, h->s->uris.patch_property, &key,
                            h->s->uris.patch_value, &value, 0);
        CHECK(key && value);
        if (((const LV2_Atom_URID *)key)->body == what)
            found = (const char *)(value + 1);
    }
    return found;
}

/* -- claims ---------------------------------------------------------------- */

static void text_set_by_the_host_is_spoken_on_the_timeline(void)
{
    host *h = host_open(all_features);
    events_begin(h);
    put_text(h, "@60 at 500\nOver the port.");
    put_get(h);
    run(h, 0, BLOCK);
    fake_settle(h->s->plug);
    put_position(h, 100, 1.0f, 0); /* in mid-block */
    size_t n;
    float *want = rendered("Over the port.", &n);
    uint32_t at = 0;
    for (uint32_t block = 700; at < n + 700; block = 1 + block * 7 % 999) {
        run(h, at, block);
        at += block;
    }
    for (uint32_t i = 0; i < at; i++)
        CHECK(h->out[i] == (i < 600 || i >= n + 600 ? 0.0f : want[i - 600]));
    const float level = h->ports[PORT_LEVEL];
    CHECK(h->ports[PORT_LATE] == 0 && h->ports[PORT_MISSING] == 0 &&
          h->ports[PORT_LATENCY] == 0 && level >= -100 && level <= 12);

    put_position(h, 64, 1.0f, 1000);
    put_position(h, 200, 0.0f, 1136);
    run(h, 0, 512);
    CHECK(h->out[100] == want[536]);
    for (int i = 200; i < 512; i++) /* stopped within the block */
        CHECK(h->out[i] == 0);
    put_position(h, 0, 1.0f, 1000);
    put_position(h, 256, 1.0f, 700); /* a loop's seam */
    run(h, 0, 512);
    CHECK(h->out[255] == want[755] && h->out[256] == want[200]);
    free(want);
    host_close(h);
}

static void the_size_of_blocks_is_not_heard(void)
{
    static const uint32_t sizes[] = {32, 64, 100, 256, 1024, 4096, 8192};
    host *h = host_open(all_features);
    events_begin(h);
    put_text(h, "@60 at 10\nIn blocks.\n@61 at 3000\nOf all sizes.");
    run(h, 0, BLOCK);
    fake_settle(h->s->plug);
    float *first = malloc(16384 * sizeof *first);
    CHECK(first);
    for (int i = 0; i < 7; i++) {
        put_position(h, 0, 1.0f, 0);
        for (uint32_t at = 0; at < 16384; at += sizes[i])
            run(h, at, sizes[i]);
        if (i == 0)
            memcpy(first, h->out, 16384 * sizeof *first);
        CHECK(memcmp(first, h->out, 16384 * sizeof *first) == 0);
    }
    CHECK(first[10] != 0 || first[11] != 0);
    free(first);
    host_close(h);
}

static void notes_speak_phrases(void)
{
    host *h = host_open(all_features);
    events_begin(h);
    put_text(h, "@7\nSeven is here.");
    run(h, 0, BLOCK);
    fake_settle(h->s->plug);
    put_midi(h, 33, 0x93, 7, 127);
    put_midi(h, 900, 0x83, 7, 0);
    run(h, 0, BLOCK);
    size_t n;
    float *want = rendered("Seven is here.", &n);
    CHECK(h->out[32] == 0);
    for (int i = 33; i < BLOCK; i++)
        CHECK(h->out[i] == want[i - 33]);
    put_midi(h, 0, 0xb0, 123, 0);
    run(h, 0, BLOCK);
    CHECK(h->out[BLOCK - 1] == 0);
    free(want);
    host_close(h);
}

static void windows_hear_what_changes(void)
{
    host *h = host_open(all_features);
    events_begin(h);
    put_text(h, "Hello window.");
    run(h, 0, BLOCK);
    fake_settle(h->s->plug);
    run(h, 0, BLOCK);
    CHECK(!told(h, h->s->uris.text)); /* nobody has asked */
    put_get(h);
    run(h, 0, BLOCK);
    CHECK(strcmp(told(h, h->s->uris.text), "@60 at 0\nHello window.\n") == 0);
    CHECK(strstr(told(h, h->s->uris.status), "60\tready"));
    run(h, 0, BLOCK);
    CHECK(!told(h, h->s->uris.text));
    put_set(h, h->s->uris.voice, "bert", h->s->uris.atom_String);
    run(h, 0, BLOCK);
    run(h, 0, BLOCK);
    CHECK(strcmp(told(h, h->s->uris.voice), "bert") == 0);
    /* A buffer smaller than asked for: nothing is written past its end. */
    put_get(h);
    memset(h->notify + 300, 0x77, 100);
    run_for(h, 0, BLOCK, 292);
    for (int i = 300; i < 400; i++)
        CHECK(h->notify[i] == 0x77);
    put_get(h);
    run_for(h, 0, BLOCK, 4);
    host_close(h);
}

static void bad_atoms_do_no_harm(void)
{
    host *h = host_open(few_features);
    const voice_uris *u = &h->s->uris;
    events_begin(h);
    put_text(h, "@7\nKept.");
    run(h, 0, BLOCK);
    fake_settle(h->s->plug);
    put_set(h, u->text, "an Int", u->atom_Int); /* wrong type */
    put_set(h, 4242, "no such property", u->atom_String);
    put_set(h, u->status, "not writable", u->atom_String);
    put_midi(h, 3, 0x90, 0xff, 0xff);
    run(h, 0, BLOCK);
    char *text = plug_script_copy(h->s->plug);
    CHECK(text && strcmp(text, "@7\nKept.\n") == 0);
    free(text);

    /* Every 4 bytes of a good sequence replaced by numbers that lie. */
    static const uint32_t lies[] = {0, 1, 7, 0x7fffffff, 0xffffffff, 65536};
    for (uint32_t at = 8; at < 400; at += 4) {
        for (int k = 0; k < 6; k++) {
            put_set(h, u->voice, "v", u->atom_String);
            put_position(h, 5, 1.0f, 77);
            put_set(h, u->text, "@7\nKept.", u->atom_String);
            put_midi(h, 9, 0x90, 7, 1);
            const uint32_t size = h->forge.offset;
            if (at + 4 <= size)
                memcpy(h->control + at, &lies[k], 4);
            run(h, 0, 64);
        }
    }
    memset(h->control, 0, 64); /* a sequence of no size at all */
    shell_descriptor.run(h->s, 64);
    for (int i = 0; i < PLUG_PARAMS; i++)
        h->ports[PORT_PARAMS + i] = i & 1 ? NAN : 1e30f;
    shell_descriptor.run(h->s, 64);
    shell_descriptor.connect_port(h->s, PORT_NOTIFY, NULL);
    shell_descriptor.connect_port(h->s, PORT_CONTROL, NULL);
    shell_descriptor.connect_port(h->s, PORT_LATE, NULL);
    shell_descriptor.run(h->s, 64);
    shell_descriptor.connect_port(h->s, PORT_OUT, NULL);
    shell_descriptor.run(h->s, 64);
    host_close(h);
    CHECK(!shell_descriptor.instantiate(&shell_descriptor, RATE, "/",
                                        &few_features[1]));
    CHECK(!shell_descriptor.instantiate(&shell_descriptor, NAN, "/",
                                        few_features));
}

static const LV2_State_Interface *state(void)
{
    return shell_descriptor.extension_data(LV2_STATE__interface);
}

/* Plays [0, n) from the start of the timeline. */
static void play(host *h, uint32_t n)
{
    put_position(h, 0, 1.0f, 0);
    for (uint32_t i = 0; i < n; i += BLOCK)
        run(h, i, BLOCK);
}

static void a_project_needs_no_daemon(void)
{
    CHECK(mkdtemp(folder));
    host *h = host_open(all_features);
    h->ports[PORT_PARAMS + PLUG_SEED] = 5;
    events_begin(h);
    put_text(h, "@60 at 0\nKept with the project.\n@61 at 8000\nThis too.");
    run(h, 0, BLOCK);
    fake_settle(h->s->plug);
    play(h, 20480);
    float *before = malloc(20480 * sizeof *before);
    CHECK(before);
    memcpy(before, h->out, 20480 * sizeof *before);
    CHECK(state()->save(h->s, store, NULL, 0, all_features) == 0);
    host_close(h);
    CHECK(stored_count == 6); /* text, voice, missing, rate, two takes */

    atomic_store(&fake_away, true);
    for (int with_worker = 1; with_worker >= 0; with_worker--) {
        h = host_open(with_worker ? all_features : few_features);
        CHECK(state()->restore(h->s, retrieve, NULL, 0, all_features) == 0);
        /* The port's value comes with the first block, as in every host. */
        h->ports[PORT_PARAMS + PLUG_SEED] = 5;
        events_begin(h);
        h->ports[PORT_FREEWHEEL] = 1;
        play(h, 20480);
        CHECK(memcmp(before, h->out, 20480 * sizeof *before) == 0);
        CHECK(h->ports[PORT_LATE] == 0);
        host_close(h);
    }
    atomic_store(&fake_away, false);
    free(before);
}

static void broken_state_is_refused_or_rendered_again(void)
{
    /* continues with what the last claim stored */
    for (int i = 0; i < stored_count; i++) {
        const struct stored good = stored[i];
        for (int fault = 0; fault < 4; fault++) {
            stored[i] = good;
            if (fault == 0)
                stored[i].type = 1; /* another type */
            else if (fault == 1)
                stored[i].size = 0;
            else if (fault == 2)
                stored[i].size = good.size - 1; /* no NUL */
            else
                stored[i].value = "/nonexistent";
            host *h = host_open(few_features);
            /* Without a text there is nothing to restore; all else is
             * rendered again. */
            state()->restore(h->s, retrieve, NULL, 0, all_features);
            events_begin(h);
            run(h, 0, BLOCK);
            host_close(h);
        }
        stored[i] = good;
    }
    forget();
    host *h = host_open(few_features);
    CHECK(state()->restore(h->s, retrieve, NULL, 0, few_features) ==
          LV2_STATE_ERR_NO_PROPERTY);
    char *huge = malloc((1 << 20) + 1);
    CHECK(huge);
    memset(huge, 'a', 1 << 20);
    huge[1 << 20] = '\0';
    store(NULL, h->s->uris.text, huge, (1 << 20) + 1, h->s->uris.atom_String,
          LV2_STATE_IS_POD);
    CHECK(state()->restore(h->s, retrieve, NULL, 0, few_features));
    forget();
    free(huge);
    /* A host without makePath: text and voice, no sound. */
    events_begin(h);
    put_text(h, "No paths.");
    run(h, 0, BLOCK);
    fake_settle(h->s->plug);
    CHECK(state()->save(h->s, store, NULL, 0, few_features) == 0);
    CHECK(stored_count == 4);
    forget();
    host_close(h);
}

int main(void)
{
    text_set_by_the_host_is_spoken_on_the_timeline();
    the_size_of_blocks_is_not_heard();
    notes_speak_phrases();
    windows_hear_what_changes();
    bad_atoms_do_no_harm();
    a_project_needs_no_daemon();
    broken_state_is_refused_or_rendered_again();
    if (rtcheck_violations())
        rtcheck_report(stderr);
    CHECK(rtcheck_violations() == 0);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
    for (int i = 0; i < 600; i++)
        free(uris[i]);
    return 0;
}
