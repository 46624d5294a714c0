/* Writes the bundle's Turtle from the tables of the code, so that the two
 * cannot differ. Usage: cbx_voice_ttl FOLDER */
#include "plugin/lv2/shell.h"

#include <stdio.h>

static const char PREFIXES[] =
    "@prefix atom: <http://lv2plug.in/ns/ext/atom#> .\n"
    "@prefix doap: <http://usefulinc.com/ns/doap#> .\n"
    "@prefix foaf: <http://xmlns.com/foaf/0.1/> .\n"
    "@prefix log: <http://lv2plug.in/ns/ext/log#> .\n"
    "@prefix lv2: <http://lv2plug.in/ns/lv2core#> .\n"
    "@prefix midi: <http://lv2plug.in/ns/ext/midi#> .\n"
    "@prefix opts: <http://lv2plug.in/ns/ext/options#> .\n"
    "@prefix patch: <http://lv2plug.in/ns/ext/patch#> .\n"
    "@prefix pset: <http://lv2plug.in/ns/ext/presets#> .\n"
    "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
    "@prefix rsz: <http://lv2plug.in/ns/ext/resize-port#> .\n"
    "@prefix state: <http://lv2plug.in/ns/ext/state#> .\n"
    "@prefix time: <http://lv2plug.in/ns/ext/time#> .\n"
    "@prefix ui: <http://lv2plug.in/ns/extensions/ui#> .\n"
    "@prefix units: <http://lv2plug.in/ns/extensions/units#> .\n"
    "@prefix urid: <http://lv2plug.in/ns/ext/urid#> .\n"
    "@prefix work: <http://lv2plug.in/ns/ext/worker#> .\n"
    "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n\n";

static const char MANIFEST[] = "<" VOICE_URI ">\n"
                               "    a lv2:Plugin ;\n"
                               "    lv2:binary <chatterbox_voice.so> ;\n"
                               "    rdfs:seeAlso <chatterbox_voice.ttl> .\n\n"
                               "<" VOICE_UI_URI ">\n"
                               "    a ui:X11UI ;\n"
                               "    ui:binary <chatterbox_voice_window.so> ;\n"
                               "    rdfs:seeAlso <chatterbox_voice.ttl> .\n";

static const char PARAMETERS[] =
    "<" VOICE_TEXT ">\n"
    "    a lv2:Parameter ;\n"
    "    rdfs:label \"Text\" ;\n"
    "    rdfs:comment \"What is spoken: a plain text, or phrases that begin "
    "with lines such as '@61 at 2.5s'.\" ;\n"
    "    rdfs:range atom:String .\n\n"
    "<" VOICE_VOICE ">\n"
    "    a lv2:Parameter ;\n"
    "    rdfs:label \"Voice\" ;\n"
    "    rdfs:comment \"A voice's name; empty: the daemon's own choice.\" ;\n"
    "    rdfs:range atom:String .\n\n"
    "<" VOICE_RETRY ">\n"
    "    a lv2:Parameter ;\n"
    "    rdfs:label \"Render again\" ;\n"
    "    rdfs:comment \"Set to anything: what failed is tried again.\" ;\n"
    "    rdfs:range atom:String .\n\n"
    "<" VOICE_STATUS ">\n"
    "    a lv2:Parameter ;\n"
    "    rdfs:label \"Status\" ;\n"
    "    rdfs:range atom:String .\n\n"
    "<" VOICE_VOICES ">\n"
    "    a lv2:Parameter ;\n"
    "    rdfs:label \"Voices\" ;\n"
    "    rdfs:range atom:String .\n\n"
    "<" VOICE_UI_URI ">\n"
    "    a ui:X11UI ;\n"
    "    lv2:requiredFeature urid:map, ui:idleInterface ;\n"
    "    lv2:optionalFeature ui:parent, ui:resize, opts:options ;\n"
    "    lv2:extensionData ui:idleInterface ;\n"
    "    ui:portNotification [\n"
    "        ui:plugin <" VOICE_URI "> ;\n"
    "        lv2:symbol \"notify\" ;\n"
    "        ui:notifyType atom:Object\n"
    "    ] .\n\n";

static const char HEAD[] =
    "<" VOICE_URI ">\n"
    "    a lv2:Plugin, lv2:InstrumentPlugin ;\n"
    "    doap:name \"Chatterbox Voice\" ;\n"
    "    doap:license <http://opensource.org/licenses/mit> ;\n"
    "    lv2:project [\n"
    "        a doap:Project ;\n"
    "        doap:name \"chatterbox\" ;\n"
    "        doap:maintainer [ a foaf:Person ; foaf:name \"The chatterbox "
    "project\" ]\n"
    "    ] ;\n"
    "    rdfs:comment \"Speaks phrases at their place in the project, and when "
    "their note is played. The sound comes from the chatterbox daemon and is "
    "kept in the project.\" ;\n"
    "    lv2:minorVersion 1 ;\n"
    "    lv2:microVersion 0 ;\n"
    "    lv2:requiredFeature urid:map ;\n"
    "    lv2:optionalFeature lv2:hardRTCapable, work:schedule, log:log,\n"
    "        state:makePath, state:freePath, state:mapPath,\n"
    "        state:threadSafeRestore, opts:options ;\n"
    "    lv2:extensionData state:interface, work:interface ;\n"
    "    ui:ui <" VOICE_UI_URI "> ;\n"
    "    patch:writable <" VOICE_TEXT ">, <" VOICE_VOICE ">, <" VOICE_RETRY
    "> ;\n"
    "    patch:readable <" VOICE_STATUS ">, <" VOICE_VOICES "> ;\n"
    "    lv2:port [\n"
    "        a lv2:InputPort, atom:AtomPort ;\n"
    "        atom:bufferType atom:Sequence ;\n"
    "        atom:supports midi:MidiEvent, patch:Message, time:Position ;\n"
    "        lv2:designation lv2:control ;\n"
    "        lv2:index %d ;\n"
    "        lv2:symbol \"control\" ;\n"
    "        lv2:name \"Control\" ;\n"
    "        rsz:minimumSize %d\n"
    "    ] , [\n"
    "        a lv2:OutputPort, atom:AtomPort ;\n"
    "        atom:bufferType atom:Sequence ;\n"
    "        atom:supports patch:Message ;\n"
    "        lv2:index %d ;\n"
    "        lv2:symbol \"notify\" ;\n"
    "        lv2:name \"Notify\" ;\n"
    "        rsz:minimumSize %d\n"
    "    ] , [\n"
    "        a lv2:OutputPort, lv2:AudioPort ;\n"
    "        lv2:index %d ;\n"
    "        lv2:symbol \"out\" ;\n"
    "        lv2:name \"Out\"\n"
    "    ]";

static void write_unit(FILE *to, const plug_param_info *p)
{
    if (p->unit[0] == 'd')
        fprintf(to, " ;\n        units:unit units:db");
    else if (p->unit[0] == 's' && !p->unit[1])
        fprintf(to, " ;\n        units:unit units:s");
    else if (p->unit[0] == 's')
        fprintf(to, " ;\n        units:unit units:semitone12TET");
    else if (p == &plug_params[PLUG_SPEED])
        fprintf(to, " ;\n        units:unit units:coef");
}

static void write_param(FILE *to, int i)
{
    const plug_param_info *p = &plug_params[i];
    fprintf(to,
            " , [\n        a lv2:InputPort, lv2:ControlPort ;\n"
            "        lv2:index %d ;\n        lv2:symbol \"%s\" ;\n"
            "        lv2:name \"%s\" ;\n        lv2:default %g ;\n"
            "        lv2:minimum %g ;\n        lv2:maximum %.8g",
            PORT_PARAMS + i, p->symbol, p->name, (double)p->normal,
            (double)p->least, (double)p->most);
    write_unit(to, p);
    if (i == PLUG_TIMELINE)
        fprintf(to, " ;\n        lv2:portProperty lv2:toggled");
    else if (p->whole)
        fprintf(to, " ;\n        lv2:portProperty lv2:integer");
    if (i == PLUG_NOTE_OFF)
        fprintf(to, ", lv2:enumeration ;\n"
                    "        lv2:scalePoint [ rdfs:label \"Plays on\" ; "
                    "rdf:value 0 ] ,\n            [ rdfs:label \"Stops\" ; "
                    "rdf:value 1 ]");
    fprintf(to, "\n    ]");
}

static void write_output(FILE *to, int index, const char *symbol,
                         const char *name, int most, const char *more)
{
    fprintf(to,
            " , [\n        a lv2:OutputPort, lv2:ControlPort ;\n"
            "        lv2:index %d ;\n        lv2:symbol \"%s\" ;\n"
            "        lv2:name \"%s\" ;\n        lv2:default 0 ;\n"
            "        lv2:minimum %d ;\n        lv2:maximum %d%s\n    ]",
            index, symbol, name, index == PORT_LEVEL ? -100 : 0, most, more);
}

static void write_plugin(FILE *to)
{
    static const char frames[] = " ;\n        lv2:portProperty lv2:integer ;\n"
                                 "        units:unit units:frame";
    static const char whole[] = " ;\n        lv2:portProperty lv2:integer";
    fprintf(to,
            "%s@prefix rdf: "
            "<http://www.w3.org/1999/02/22-rdf-syntax-ns#> .\n\n%s",
            PREFIXES, PARAMETERS);
    fprintf(to, HEAD, PORT_CONTROL, NOTIFY_BYTES, PORT_NOTIFY, NOTIFY_BYTES,
            PORT_OUT);
    for (int i = 0; i < PLUG_PARAMS; i++)
        write_param(to, i);
    fprintf(to,
            " , [\n        a lv2:InputPort, lv2:ControlPort ;\n"
            "        lv2:index %d ;\n        lv2:symbol \"freewheel\" ;\n"
            "        lv2:name \"Freewheel\" ;\n        lv2:default 0 ;\n"
            "        lv2:minimum 0 ;\n        lv2:maximum 1 ;\n"
            "        lv2:designation lv2:freeWheeling ;\n"
            "        lv2:portProperty lv2:toggled\n    ]",
            PORT_FREEWHEEL);
    write_output(to, PORT_LATENCY, "latency", "Latency", 480000,
                 " ;\n        lv2:designation lv2:latency ;\n"
                 "        lv2:portProperty lv2:reportsLatency, lv2:integer ;\n"
                 "        units:unit units:frame");
    write_output(to, PORT_LATE, "late_frames", "Frames not there in time",
                 16777216, frames);
    write_output(to, PORT_PENDING, "pending", "Phrases to be rendered",
                 PLUG_PHRASES, whole);
    write_output(to, PORT_MISSING, "missing", "Phrases that are missing",
                 PLUG_PHRASES, whole);
    write_output(to, PORT_LEVEL, "level", "Level", 12,
                 " ;\n        units:unit units:db");
    fprintf(to, " .\n");
}

typedef struct preset {
    const char *name, *label, *text;
} preset;

static const preset PRESETS[] = {
    {"hello", "Hello", "Good morning. This is a voice in your project."},
    {"count-in", "Count-in, one note each",
     "@60\\nOne.\\n@61\\nTwo.\\n@62\\nThree.\\n@63\\nFour."},
    {"announcer", "Two pinned phrases",
     "@60 at 0s\\nWelcome.\\n@61 at 4s\\nAnd here we go."},
};
enum { PRESET_COUNT = sizeof PRESETS / sizeof *PRESETS };

static void write_preset(FILE *to, const preset *p, bool whole)
{
    fprintf(to,
            "<" VOICE_URI "#preset-%s>\n    a pset:Preset ;\n"
            "    lv2:appliesTo <" VOICE_URI "> ;\n    rdfs:label \"%s\"",
            p->name, p->label);
    if (!whole)
        fprintf(to, " ;\n    rdfs:seeAlso <presets.ttl>");
    else
        fprintf(to,
                " ;\n    state:state [\n        <" VOICE_TEXT "> \"%s\"\n"
                "    ]",
                p->text);
    fprintf(to, " .\n\n");
}

/* False: could not be written. */
static bool write_file(const char *folder, const char *name,
                       void (*write)(FILE *to))
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return false;
    FILE *to = fopen(path, "w");
    if (!to) {
        perror(path);
        return false;
    }
    write(to);
    return fclose(to) == 0;
}

static void write_manifest(FILE *to)
{
    fprintf(to, "%s%s\n", PREFIXES, MANIFEST);
    for (int i = 0; i < PRESET_COUNT; i++)
        write_preset(to, &PRESETS[i], false);
}

static void write_presets(FILE *to)
{
    fprintf(to, "%s", PREFIXES);
    for (int i = 0; i < PRESET_COUNT; i++)
        write_preset(to, &PRESETS[i], true);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    return !(write_file(argv[1], "manifest.ttl", write_manifest) &&
             write_file(argv[1], "chatterbox_voice.ttl", write_plugin) &&
             write_file(argv[1], "presets.ttl", write_presets));
}
