#ifndef CHATTERBOX_STATUS_H
#define CHATTERBOX_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* What a function that can fail reports. Audio-thread functions report counts
 * instead. */
typedef enum cbx_status {
    CBX_OK = 0,
    CBX_E_NOMEM,  /* memory ran out */
    CBX_E_ARG,    /* an argument or option is out of its range */
    CBX_E_FILE,   /* a file is missing, unreadable or cannot be written */
    CBX_E_FORMAT, /* a file's contents are not what its kind demands */
    CBX_E_SHAPE,  /* a tensor has the wrong shape, or is missing */
    CBX_E_DEVICE, /* a device (GPU, sound) is missing or went away */
    CBX_E_TEXT,   /* text that cannot be spoken */
    CBX_E_LIMIT,  /* a stated limit was reached */
    CBX_E_UNSUPPORTED,
} cbx_status;

/* A status and one sentence for people. Owned by the caller; may lie on the
 * stack. Written only when a function fails. */
typedef struct cbx_error {
    cbx_status status;
    char text[512];
} cbx_error;

#ifdef __cplusplus
}
#endif

#endif
