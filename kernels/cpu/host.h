#ifndef CBX_KERNELS_CPU_HOST_H
#define CBX_KERNELS_CPU_HOST_H

#include "kernels/kernels.h"

/* The entries of the table that move and own host memory (host.c). */

void *host_mem_new(cbx_dev *d, size_t bytes);
void host_mem_free(cbx_dev *d, void *p);
cbx_status host_reserve(cbx_dev *d, int rows, int cols, int keys, cbx_error *e);
void host_weight_free(cbx_dev *d, cbx_weight *w);
size_t host_weight_bytes(const cbx_weight *w);
cbx_status host_table_new(cbx_dev *d, int rows, int cols, cbx_dtype type,
                          const void *host, cbx_table **out, cbx_error *e);
void host_table_free(cbx_dev *d, cbx_table *t);
cbx_status host_kv_new(cbx_dev *d, int layers, int width, int capacity,
                       cbx_format format, cbx_kv **out, cbx_error *e);
/* Of floats, whatever the format. */
cbx_status host_wide_kv_new(cbx_dev *d, int layers, int width, int capacity,
                            cbx_format format, cbx_kv **out, cbx_error *e);
void host_kv_free(cbx_dev *d, cbx_kv *kv);
int host_kv_len(const cbx_kv *kv);
void host_kv_set_len(cbx_dev *d, cbx_kv *kv, int len);
void host_kv_copy(cbx_dev *d, cbx_kv *dst, const cbx_kv *src, int n);
cbx_status host_sampler_new(cbx_dev *d, int vocab, cbx_sampler **out,
                            cbx_error *e);
void host_sampler_free(cbx_dev *d, cbx_sampler *s);
void host_sampler_reset(cbx_dev *d, cbx_sampler *s);
void host_sampler_mark(cbx_dev *d, cbx_sampler *s, int32_t id);
/* upload and download: the device's memory is the host's */
void host_copy_in(cbx_dev *d, void *dst, const void *host, size_t bytes);
void host_sync(cbx_dev *d);

#endif
