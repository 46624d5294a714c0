/* A CLAP host of our own that asserts each contract: threads, activation,
 * events in mid-block, parameters, state, offline, ports. */
#include "plugin/clap/shell.h"
#include "tests/check.h"
#include "tests/plugin/fake.h"
#include "tests/rt/rtcheck.h"

#include <pthread.h>
#include <string.h>

enum { RATE = 48000, BLOCK = 512, ROOM = 1 << 18, EVENTS = 16 };

/* -- the host -------------------------------------------------------------- */

static pthread_t main_thread;
static _Atomic bool in_process; /* this thread is the audio thread now */
static int callbacks, dirtied, rescans, flushes;
static bool has_extensions = true;

static bool on_main(void)
{
    return pthread_equal(pthread_self(), main_thread) &&
           !atomic_load(&in_process);
}

static void mark_dirty(const clap_host_t *h)
{
    (void)h;
    CHECK(on_main());
    dirtied++;
}

static void rescan(const clap_host_t *h, clap_param_rescan_flags flags)
{
    (void)h;
    CHECK(on_main() && flags == CLAP_PARAM_RESCAN_VALUES);
    rescans++;
}

static void clear(const clap_host_t *h, clap_id id, clap_param_clear_flags f)
{
    (void)h;
    (void)id;
    (void)f;
}

static void request_flush(const clap_host_t *h)
{
    (void)h;
    CHECK(!atomic_load(&in_process));
    flushes++;
}

static const clap_host_state_t host_state = {mark_dirty};
static const clap_host_params_t host_params = {rescan, clear, request_flush};

static const void *host_extension(const clap_host_t *h, const char *id)
{
    (void)h;
    if (!has_extensions)
        return NULL;
    if (strcmp(id, CLAP_EXT_STATE) == 0)
        return &host_state;
    return strcmp(id, CLAP_EXT_PARAMS) == 0 ? &host_params : NULL;
}

static void request_nothing(const clap_host_t *h)
{
    (void)h;
}

static void request_callback(const clap_host_t *h)
{
    (void)h;
    callbacks++;
}

static const clap_host_t the_host = {.clap_version = CLAP_VERSION_INIT,
                                     .name = "test",
                                     .vendor = "",
                                     .url = "",
                                     .version = "",
                                     .get_extension = host_extension,
                                     .request_restart = request_nothing,
                                     .request_process = request_nothing,
                                     .request_callback = request_callback};

static union {
    clap_event_header_t header;
    clap_event_note_t note;
    clap_event_param_value_t param;
    clap_event_midi_t midi;
    clap_event_transport_t transport;
} events[EVENTS];
static uint32_t event_count;

static uint32_t events_size(const clap_input_events_t *l)
{
    (void)l;
    return event_count;
}

static const clap_event_header_t *events_get(const clap_input_events_t *l,
                                             uint32_t i)
{
    (void)l;
    CHECK(i < event_count);
    return &events[i].header;
}

static const clap_input_events_t in_list = {NULL, events_size, events_get};
static clap_event_param_value_t pushed[EVENTS];
static int pushed_count;

static bool push(const clap_output_events_t *l, const clap_event_header_t *e)
{
    (void)l;
    CHECK(e->type == CLAP_EVENT_PARAM_VALUE &&
          e->size == sizeof(clap_event_param_value_t));
    if (pushed_count == EVENTS)
        return false;
    memcpy(&pushed[pushed_count++], e, sizeof pushed[0]);
    return true;
}

static const clap_output_events_t out_list = {NULL, push};

static void add_event(uint32_t time, uint16_t type, int key, double value)
{
    CHECK(event_count < EVENTS);
    memset(&events[event_count], 0, sizeof events[0]);
    clap_event_header_t *h = &events[event_count].header;
    *h = (clap_event_header_t){sizeof events[0], time, CLAP_CORE_EVENT_SPACE_ID,
                               type, 0};
    if (type == CLAP_EVENT_PARAM_VALUE) {
        events[event_count].param.param_id = (clap_id)key;
        events[event_count].param.value = value;
    } else {
        events[event_count].note.key = (int16_t)key;
        events[event_count].note.velocity = value;
    }
    event_count++;
}

static clap_event_transport_t transport_at(bool playing, int64_t frame)
{
    return (clap_event_transport_t){
        .header = {sizeof(clap_event_transport_t), 0, CLAP_CORE_EVENT_SPACE_ID,
                   CLAP_EVENT_TRANSPORT, 0},
        .flags = CLAP_TRANSPORT_HAS_SECONDS_TIMELINE |
                 (playing ? (uint32_t)CLAP_TRANSPORT_IS_PLAYING : 0u),
        .song_pos_seconds =
            (clap_sectime)((double)frame / RATE * CLAP_SECTIME_FACTOR)};
}

static float out[ROOM];

static void process(const clap_plugin_t *p, uint32_t at, uint32_t n,
                    const clap_event_transport_t *transport, bool offline)
{
    float *channel = out + at;
    clap_audio_buffer_t buffer = {.data32 = &channel, .channel_count = 1};
    const clap_process_t block = {.steady_time = -1,
                                  .frames_count = n,
                                  .transport = transport,
                                  .audio_outputs = &buffer,
                                  .audio_outputs_count = 1,
                                  .in_events = &in_list,
                                  .out_events = &out_list};
    atomic_store(&in_process, true);
    if (!offline)
        rtcheck_enter();
    CHECK(p->process(p, &block) == CLAP_PROCESS_CONTINUE);
    if (!offline)
        rtcheck_leave();
    atomic_store(&in_process, false);
    event_count = 0;
    if (callbacks)
        p->on_main_thread(p);
    callbacks = 0;
}

static const clap_plugin_t *create(double rate)
{
    const clap_plugin_t *p =
        shell_factory.create_plugin(&shell_factory, &the_host, CLAP_VOICE_ID);
    CHECK(p && p->init(p));
    if (rate > 0)
        CHECK(p->activate(p, rate, 1, BLOCK) && p->start_processing(p));
    return p;
}

static void set_text(const clap_plugin_t *p, const char *text)
{
    CHECK(plug_set_script(shell_of(p)->plug, text, strlen(text), NULL) ==
          CBX_OK);
    if (shell_of(p)->rate > 0)
        fake_settle(shell_of(p)->plug);
}

static float *rendered(const char *text, uint64_t seed, uint32_t rate,
                       size_t *n)
{
    const plug_request r = {text, "", seed, 1.0f, 0.0f};
    return fake_rendered(&r, rate, n);
}

/* -- a stream in memory ---------------------------------------------------- */

static char *stream;
static size_t stream_size, stream_at;
static uint64_t stream_most; /* bytes that one call takes */

static int64_t stream_write(const clap_ostream_t *s, const void *data,
                            uint64_t n)
{
    (void)s;
    CHECK(on_main());
    n = n < stream_most ? n : stream_most;
    stream = realloc(stream, stream_size + n + 1);
    CHECK(stream);
    memcpy(stream + stream_size, data, n);
    stream_size += n;
    return (int64_t)n;
}

static int64_t stream_read(const clap_istream_t *s, void *data, uint64_t n)
{
    (void)s;
    n = n < stream_most ? n : stream_most;
    n = n < stream_size - stream_at ? n : stream_size - stream_at;
    memcpy(data, stream + stream_at, n);
    stream_at += n;
    return (int64_t)n;
}

static const clap_ostream_t to_stream = {NULL, stream_write};
static const clap_istream_t from_stream = {NULL, stream_read};

static bool load(const clap_plugin_t *p)
{
    stream_at = 0;
    return shell_state.load(p, &from_stream);
}

/* -- claims ---------------------------------------------------------------- */

static void what_is_offered_is_described(void)
{
    CHECK(shell_factory.get_plugin_count(&shell_factory) == 1);
    const clap_plugin_descriptor_t *d =
        shell_factory.get_plugin_descriptor(&shell_factory, 0);
    CHECK(d && strcmp(d->id, CLAP_VOICE_ID) == 0 && d->features[0]);
    CHECK(!shell_factory.get_plugin_descriptor(&shell_factory, 1));
    CHECK(!shell_factory.create_plugin(&shell_factory, &the_host, "other"));
    const clap_plugin_t *p = create(0);
    static const char *const ids[] = {
        CLAP_EXT_AUDIO_PORTS, CLAP_EXT_NOTE_PORTS,    CLAP_EXT_LATENCY,
        CBX_CLAP_EXT_RENDER,  CLAP_EXT_PARAMS,        CLAP_EXT_STATE,
        CLAP_EXT_GUI,         CLAP_EXT_TIMER_SUPPORT, CBX_CLAP_EXT_POSIX_FD};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        CHECK(p->get_extension(p, ids[i]));
    CHECK(!p->get_extension(p, "clap.nonsense"));
    const clap_plugin_audio_ports_t *audio =
        p->get_extension(p, CLAP_EXT_AUDIO_PORTS);
    clap_audio_port_info_t info;
    CHECK(audio->count(p, false) == 1 && audio->count(p, true) == 0);
    CHECK(audio->get(p, 0, false, &info) && info.channel_count == 1);
    CHECK(!audio->get(p, 1, false, &info) && !audio->get(p, 0, true, &info));
    const clap_plugin_latency_t *late = p->get_extension(p, CLAP_EXT_LATENCY);
    CHECK(late->get(p) == 0);
    /* No timer in this host: no window. */
    CHECK(!shell_gui.is_api_supported(p, CLAP_WINDOW_API_X11, false));
    CHECK(!shell_gui.create(p, CLAP_WINDOW_API_X11, false));
    p->destroy(p);
}

static void parameters_say_what_they_are(void)
{
    const clap_plugin_t *p = create(0);
    CHECK(shell_params.count(p) == PLUG_PARAMS);
    for (uint32_t i = 0; i < PLUG_PARAMS; i++) {
        clap_param_info_t info;
        double value, back;
        char text[64];
        CHECK(shell_params.get_info(p, i, &info) && info.id == i &&
              info.name[0] && info.min_value < info.max_value);
        CHECK(shell_params.get_value(p, i, &value) &&
              value == info.default_value);
        CHECK(shell_params.value_to_text(p, i, info.max_value, text, 64));
        CHECK(shell_params.text_to_value(p, i, text, &back) &&
              fabs(back - info.max_value) < 0.01);
        CHECK(!shell_params.text_to_value(p, i, "?", &back));
    }
    clap_param_info_t none;
    double value;
    CHECK(!shell_params.get_info(p, PLUG_PARAMS, &none));
    CHECK(!shell_params.get_value(p, 99, &value));
    add_event(0, CLAP_EVENT_PARAM_VALUE, PLUG_GAIN, -6);
    add_event(0, CLAP_EVENT_PARAM_VALUE, 1234, 1);
    shell_params.flush(p, &in_list, &out_list);
    event_count = 0;
    CHECK(shell_params.get_value(p, PLUG_GAIN, &value) && value == -6);
    p->destroy(p);
}

static void events_take_effect_at_their_frame(void)
{
    const clap_plugin_t *p = create(RATE);
    set_text(p, "@60\nA note of CLAP.\n@61 at 1000\nPinned down.");
    size_t n, m;
    float *note = rendered("A note of CLAP.", 0, RATE, &n);
    float *pinned = rendered("Pinned down.", 0, RATE, &m);
    add_event(100, CLAP_EVENT_NOTE_ON, 60, 1);
    add_event(200, CLAP_EVENT_NOTE_OFF, -1, 0);
    process(p, 0, BLOCK, NULL, false);
    for (int i = 0; i < BLOCK; i++)
        CHECK(out[i] == (i < 100 ? 0 : note[i - 100]));
    p->reset(p);
    process(p, 0, BLOCK, NULL, false);
    CHECK(out[BLOCK - 1] == 0);

    /* Times in fixed point for each block: no frame is lost or doubled. */
    for (int64_t at = 0; at < 9000;) {
        const uint32_t size = 1 + (uint32_t)(at * 7 % BLOCK);
        const clap_event_transport_t t = transport_at(true, at);
        process(p, (uint32_t)at, size, &t, false);
        at += size;
    }
    for (int64_t i = 0; i < 9000; i++)
        CHECK(out[i] ==
              (i < 1000 || i >= 1000 + (int64_t)m ? 0.0f : pinned[i - 1000]));
    clap_event_transport_t t = transport_at(true, 2000);
    events[0].transport = transport_at(false, 2100);
    events[0].header.time = 100;
    event_count = 1;
    process(p, 0, BLOCK, &t, false);
    CHECK(out[99] == pinned[1099]);
    for (int i = 100; i < BLOCK; i++)
        CHECK(out[i] == 0);
    free(note);
    free(pinned);
    p->stop_processing(p);
    p->deactivate(p);
    p->destroy(p);
}

static void cycles_of_activation_change_nothing(void)
{
    static const uint32_t rates[] = {48000, 44100, 96000, 22050, 48000};
    const clap_plugin_t *p = create(0);
    set_text(p, "@60 at 0\nAt every rate."); /* before it knows one */
    for (int i = 0; i < 5; i++) {
        CHECK(p->activate(p, rates[i], 1, BLOCK) && p->start_processing(p));
        fake_settle(shell_of(p)->plug);
        size_t n;
        float *want = rendered("At every rate.", 0, rates[i], &n);
        clap_event_transport_t t = transport_at(true, 0);
        for (uint32_t at = 0; at < n; at += BLOCK) {
            process(p, at, BLOCK, at ? NULL : &t, false);
        }
        CHECK(memcmp(out, want, n * sizeof *out) == 0);
        free(want);
        p->stop_processing(p);
        p->deactivate(p);
    }
    CHECK(!p->activate(p, NAN, 1, BLOCK));
    CHECK(atomic_load(&fake_open_now) == 0);
    p->destroy(p);
}

static void state_carries_all_also_without_a_daemon(void)
{
    const clap_plugin_t *p = create(RATE);
    add_event(0, CLAP_EVENT_PARAM_VALUE, PLUG_SEED, 9);
    process(p, 0, BLOCK, NULL, false);
    set_text(p, "@60 at 0\nIn the stream.");
    stream_most = 1 << 20;
    CHECK(shell_state.save(p, &to_stream));
    p->destroy(p);
    const size_t whole = stream_size;
    CHECK(whole > 1000);

    atomic_store(&fake_away, true);
    size_t n;
    float *want = rendered("In the stream.", 9, 44100, &n);
    stream_most = 7; /* a host that gives little at a time */
    p = create(0);
    rescans = 0;
    CHECK(load(p) && rescans == 1);
    CHECK(p->activate(p, 44100, 1, BLOCK));
    const clap_event_transport_t t = transport_at(true, 0);
    const cbx_clap_plugin_render *r = p->get_extension(p, CBX_CLAP_EXT_RENDER);
    CHECK(r->set(p, CBX_CLAP_RENDER_OFFLINE) && !r->set(p, 7) &&
          !r->has_hard_realtime_requirement(p));
    for (uint32_t at = 0; at < n; at += BLOCK)
        process(p, at, BLOCK, at ? NULL : &t, true);
    CHECK(memcmp(out, want, n * sizeof *out) == 0);
    atomic_store(&fake_away, false);
    free(want);

    /* Cut and bent streams are refused, or lose takes, but do no harm. */
    stream_most = 1 << 20;
    char *good = malloc(whole);
    CHECK(good);
    memcpy(good, stream, whole);
    for (size_t cut = 0; cut < whole; cut += 1 + whole / 50) {
        stream_size = cut;
        CHECK(!load(p));
    }
    stream_size = whole;
    for (size_t at = 0; at < whole; at += at < 200 ? 1 : 1 + whole / 50) {
        memcpy(stream, good, whole);
        stream[at] = (char)(stream[at] ^ 0x81);
        load(p);
    }
    memcpy(stream, good, whole);
    CHECK(load(p));
    p->destroy(p);
    free(good);
    free(stream);
    stream = NULL;
    stream_size = 0;
}

static void a_bare_host_is_enough(void)
{
    has_extensions = false;
    const clap_plugin_t *p = create(RATE);
    set_text(p, "Bare.");
    process(p, 0, BLOCK, NULL, false);
    const clap_process_t nothing = {.frames_count = BLOCK};
    CHECK(p->process(p, &nothing) == CLAP_PROCESS_ERROR);
    p->destroy(p);
    has_extensions = true;
}

int main(void)
{
    main_thread = pthread_self();
    what_is_offered_is_described();
    parameters_say_what_they_are();
    events_take_effect_at_their_frame();
    cycles_of_activation_change_nothing();
    state_carries_all_also_without_a_daemon();
    a_bare_host_is_enough();
    CHECK(atomic_load(&fake_users) == 0);
    if (rtcheck_violations())
        rtcheck_report(stderr);
    CHECK(rtcheck_violations() == 0);
    return 0;
}
