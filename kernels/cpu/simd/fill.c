#include "kernels/cpu/host.h"
#include "kernels/cpu/pack.h"
#include "kernels/cpu/sample.h"
#include "kernels/cpu/simd/simd.h"

void FN(fill)(cbx_kernels *table);
void FN(fill)(cbx_kernels *table)
{
    table->weight_new = cpu_weight_new;
    table->kv_new = host_kv_new;
    table->linear = FN(linear);
    table->normalize = FN(normalize);
    table->activate = FN(activate);
    table->sample = cpu_sample;
    table->muladd = FN(muladd);
    table->time_stats = FN(time_stats);
    table->attention = FN(attention);
    table->attention_kv = FN(attention_kv);
    table->look = FN(look);
    table->normal = FN(normal);
    table->sine_source = FN(sine_source);
    table->istft = FN(istft);
}
