#include "daemon/speechd/module.h"

#include "daemon/speechd/icons.h"

/* The largest text in one command. */
enum { TEXT_MOST = 2 << 20 };

void sd_module_init(sd_module *m, const sd_config *config, sd_voice *voice,
                    int out_fd)
{
    *m = (sd_module){.config = config, .voice = voice};
    sd_output_init(&m->out, out_fd);
    sd_settings_init(&m->settings);
}

void sd_module_free(sd_module *m)
{
    sd_output_free(&m->out);
    cbx_buffer_free(&m->text);
}

static void reply(sd_module *m, const char *lines)
{
    sd_output_lines(&m->out, lines);
}

/* -- speaking -------------------------------------------------------------- */

static void accept(sd_module *m)
{
    if (m->speaking == SD_DECIDING)
        reply(m, "200 OK SPEAKING\n");
    m->speaking = SD_ACCEPTED;
}

static void begin(sd_module *m)
{
    if (m->speaking == SD_DECIDING)
        accept(m);
    if (m->speaking == SD_ACCEPTED)
        reply(m, "701 BEGIN\n");
    m->speaking = SD_SPEAKING;
}

static void finish(sd_module *m, const char *event)
{
    reply(m, event);
    m->speaking = SD_IDLE;
    m->pause = false;
}

static void refuse(sd_module *m, const char *why)
{
    m->log(why);
    finish(m, "301 ERROR CANT SPEAK\n");
}

/* The server goes on from the last of its own marks, so a pause waits for the
 * next one. */
static void mark(sd_module *m, const char *name)
{
    sd_output_mark(&m->out, name);
    if (!m->pause || strncmp(name, "__spd_", 6))
        return;
    sd_voice_stop(m->voice);
    finish(m, "704 PAUSE\n");
}

static void item(sd_module *m, const sd_item *i)
{
    const char *text = i->text ? i->text : "";
    if (m->speaking == SD_DECIDING && i->kind == SD_ITEM_REFUSED) {
        refuse(m, text);
        return;
    }
    if (i->kind == SD_ITEM_ACCEPTED) {
        accept(m);
        return;
    }
    begin(m);
    switch (i->kind) {
    case SD_ITEM_ACCEPTED:
        break;
    case SD_ITEM_AUDIO:
        sd_output_audio(&m->out, i->frames, i->n, SD_RATE);
        break;
    case SD_ITEM_MARK:
        mark(m, text);
        break;
    case SD_ITEM_ICON:
        sd_output_icon(&m->out, text);
        break;
    case SD_ITEM_END:
        finish(m, "702 END\n");
        break;
    case SD_ITEM_REFUSED:
    case SD_ITEM_FAILED:
        m->log(text);
        finish(m, "703 STOP\n");
        break;
    }
}

void sd_module_speak(sd_module *m)
{
    sd_item i;
    while (m->speaking != SD_IDLE && !sd_output_waits(&m->out) &&
           sd_voice_next(m->voice, &i)) {
        item(m, &i);
        sd_output_write(&m->out);
    }
}

/* A message that was begun has to go out whole; all else is dropped. */
static void stop(sd_module *m)
{
    if (m->speaking == SD_IDLE)
        return;
    sd_voice_stop(m->voice);
    begin(m);
    finish(m, "703 STOP\n");
}

static void play_icon(sd_module *m, const char *path)
{
    m->speaking = SD_DECIDING;
    begin(m);
    sd_output_icon(&m->out, path);
    finish(m, "702 END\n");
}

static void say(sd_module *m)
{
    char path[512];
    const char *text = m->text.data ? m->text.data : "";
    sd_utterance u = {0};
    if (m->speaking != SD_IDLE || m->too_much) {
        m->log(m->too_much ? "more than 2 MiB of text at once: not spoken"
                           : "text came while another was spoken: left out");
        reply(m, "301 ERROR CANT SPEAK\n");
    } else if (m->kind == SD_CHAR && m->lines > 1) {
        reply(m, "305 DATA MORE THAN ONE LINE\n");
    } else if (m->kind == SD_ICON &&
               sd_icon_file(m->config->icons, text, path, sizeof path)) {
        play_icon(m, path);
    } else if (sd_shape(m->kind, text, m->text.n, &m->settings, &u)) {
        m->speaking = SD_DECIDING;
        m->pause = false;
        sd_voice_say(m->voice, &u, &m->settings);
    } else {
        refuse(m, "memory ran out: not spoken");
    }
    sd_utterance_free(&u);
}

/* -- lines ----------------------------------------------------------------- */

/* The server doubles a dot that begins a line. */
static void add_line(sd_module *m, const char *line, size_t n)
{
    const bool dots = n >= 2 && line[0] == '.' && line[1] == '.';
    if (m->text.n + n > TEXT_MOST) {
        m->too_much = true;
        return;
    }
    m->too_much = m->too_much ||
                  (m->lines && !cbx_buffer_adds(&m->text, "\n")) ||
                  !cbx_buffer_add(&m->text, line + dots, n - dots);
    m->lines++;
}

static void setting(sd_module *m, const char *line)
{
    switch (sd_settings_line(&m->wanted, line)) {
    case SD_SET_OK:
    case SD_SET_UNKNOWN:
        return;
    case SD_SET_SYNTAX:
        m->refused = "302 ERROR BAD SYNTAX\n";
        return;
    case SD_SET_VALUE:
        m->refused = "303 ERROR INVALID PARAMETER OR VALUE\n";
        return;
    }
}

/* Sound goes to the server; it asks for that first. */
static void audio_setting(sd_module *m, const char *line)
{
    if (!strncmp(line, "audio_output_method=", 20) &&
        strcmp(line + 20, "server"))
        m->refused = "300-Sound goes through the server only.\n"
                     "300 MODULE ERROR\n";
}

static void data_line(sd_module *m, const char *line, size_t n)
{
    if (m->data == 'T')
        add_line(m, line, n);
    else if (m->data == 'S')
        setting(m, line);
    else if (m->data == 'A')
        audio_setting(m, line);
}

static void end_of_data(sd_module *m)
{
    const char data = m->data;
    m->data = 0;
    if (data == 'T')
        say(m);
    else if (m->refused)
        reply(m, m->refused);
    else if (data == 'S') {
        m->settings = m->wanted;
        sd_voice_expect(m->voice, &m->settings);
        reply(m, "203 OK SETTINGS RECEIVED\n");
    } else
        reply(m, data == 'A' ? "203 OK AUDIO INITIALIZED\n"
                             : "203 OK LOGLEVEL SET\n");
}

static void expect_data(sd_module *m, char data, const char *answer)
{
    m->data = data;
    m->refused = NULL;
    m->wanted = m->settings;
    m->text.n = m->lines = 0;
    m->too_much = false;
    reply(m, answer);
}

static void expect_text(sd_module *m, sd_kind kind)
{
    m->kind = kind;
    expect_data(m, 'T', "202 OK RECEIVING MESSAGE\n");
}

static void command(sd_module *m, const char *line)
{
#define IS(name) (!strcmp(line, name))
#define BEGINS(name) (!strncmp(line, name, sizeof name - 1))
    if (IS("INIT"))
        reply(m, "299-chatterbox " CBX_VERSION ": ready.\n"
                 "299 OK LOADED SUCCESSFULLY\n");
    else if (IS("AUDIO"))
        expect_data(m, 'A', "207 OK RECEIVING AUDIO SETTINGS\n");
    else if (IS("LOGLEVEL"))
        expect_data(m, 'L', "207 OK RECEIVING LOGLEVEL SETTINGS\n");
    else if (IS("SET"))
        expect_data(m, 'S', "203 OK RECEIVING SETTINGS\n");
    else if (IS("SPEAK"))
        expect_text(m, SD_SPEAK);
    else if (IS("CHAR"))
        expect_text(m, SD_CHAR);
    else if (IS("KEY"))
        expect_text(m, SD_KEY);
    else if (IS("SOUND_ICON"))
        expect_text(m, SD_ICON);
    else if (IS("STOP"))
        stop(m);
    else if (IS("PAUSE"))
        m->pause = m->speaking != SD_IDLE;
    else if (IS("LIST VOICES") || BEGINS("LIST VOICES "))
        m->list_voices(&m->out, line[11] ? line + 12 : "");
    else if (BEGINS("DEBUG ON"))
        reply(m, "200 OK DEBUGGING ON\n");
    else if (IS("DEBUG OFF"))
        reply(m, "200 OK DEBUGGING OFF\n");
    else if (IS("QUIT")) {
        reply(m, "210 OK QUIT\n");
        m->quit = true;
    } else if (*line)
        reply(m, "300 ERR UNKNOWN COMMAND\n");
#undef IS
#undef BEGINS
}

void sd_module_line(sd_module *m, const char *line, size_t n)
{
    if (!m->data && n < 256) {
        char text[256];
        memcpy(text, line, n);
        text[n] = '\0';
        command(m, text);
    } else if (!m->data) {
        reply(m, "300 ERR UNKNOWN COMMAND\n");
    } else if (n == 1 && line[0] == '.') {
        end_of_data(m);
    } else {
        data_line(m, line, n);
    }
}
