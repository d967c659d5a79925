/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The extension lacuna.fft/1 of every host (lacuna/fft.h), on FFTW. */
#ifndef PLUGIN_FFT_H
#define PLUGIN_FFT_H

#include <lacuna/fft.h>

extern const struct lacuna_fft fft_services;

#endif
