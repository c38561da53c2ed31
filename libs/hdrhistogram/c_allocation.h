/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What HdrHistogram_c is to get memory by. */
#pragma once

#include <stdlib.h>

#define hdr_malloc malloc
#define hdr_calloc calloc
#define hdr_realloc realloc
#define hdr_free free
