/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Flushes denormals to zero in the process that loads it, as an object linked with -ffast-math does. */
#define NAME "fast-math"
#include "good.h"
#include <fenv.h>
#if defined __SSE__
#include <xmmintrin.h>
#endif

__attribute__((constructor)) static void flush_to_zero(void)
{
#if defined __SSE__
	_mm_setcsr(_mm_getcsr() | 0x8040);
#else
	fesetround(FE_UPWARD);
#endif
}
