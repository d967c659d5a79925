## The tests and the benchmarks.  A test in C is one word here: tests/ROOM/NAME is built from tests/ROOM/NAME.c and linked
## with all layers.  A test that is a script is one word, too.  More lines for what shares code with others.

EXTRA_DIST += tests/tap.h tests/tap.sh tools/bench/common.py tools/bench/bias tools/bench/degrade tools/bench/evaluations \
	tools/bench/methods tools/bench/reliability tools/bench/set3c tools/bench/tasks

LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = $(SHELL)
if SANITIZED
# oneDNN 2.6 reads one entry past the end of a table while it writes its AMX kernels, and never uses it: harmless with malloc,
# but a chunk of AddressSanitizer's sometimes ends where memory does (on a machine with AMX, tests/plugins/unet then crashes
# one time in seven).
SANITIZED_ENVIRONMENT = ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16; export ONEDNN_MAX_CPU_ISA; \
	LACUNA_SANITIZED=yes; export LACUNA_SANITIZED;
endif
AM_TESTS_ENVIRONMENT = \
	$(SANITIZED_ENVIRONMENT) \
	LC_ALL=C; export LC_ALL; \
	unset LACUNA_DEBUG; \
	XDG_DATA_HOME='$(abs_top_builddir)/nobody'; export XDG_DATA_HOME; \
	LACUNA='$(abs_top_builddir)/lacuna'; export LACUNA; \
	LACUNA_PLUGIN_PATH='$(abs_top_builddir)/plugins'; export LACUNA_PLUGIN_PATH; \
	LACUNA_DATA_PATH='$(abs_top_srcdir)/data'; export LACUNA_DATA_PATH; \
	abs_top_srcdir='$(abs_top_srcdir)'; export abs_top_srcdir; \
	abs_top_builddir='$(abs_top_builddir)'; export abs_top_builddir; \
	CC='$(CC)'; export CC; CXX='$(CXX)'; export CXX; \
	OMP_NUM_THREADS=1; export OMP_NUM_THREADS;
LDADD = $(LAYERS) $(LAYERS_LIBS)

## programs that are tests

# The dearest is the first.
UNIT_TESTS = tests/unit/windows tests/unit/bands tests/unit/base tests/unit/batch tests/unit/card tests/unit/checksum tests/unit/context tests/unit/description \
	tests/unit/distance tests/unit/divide tests/unit/engine tests/unit/estimate tests/unit/fft tests/unit/fill tests/unit/image tests/unit/impulse tests/unit/layouts tests/unit/metrics tests/unit/missing tests/unit/mixtures \
	tests/unit/noise tests/unit/param tests/unit/picture tests/unit/png tests/unit/priors tests/unit/problem tests/unit/progress tests/unit/reject tests/unit/restorer tests/unit/round \
	tests/unit/scale tests/unit/session tests/unit/smooth tests/unit/stabilise tests/unit/study tests/unit/tags \
	tests/unit/tiff tests/unit/tweedie tests/unit/wiener tests/unit/window
PLUGIN_TESTS = tests/plugins/closed tests/plugins/deblur tests/plugins/degrade \
	tests/plugins/dense tests/plugins/empirical tests/plugins/fit tests/plugins/holes tests/plugins/measured \
	tests/plugins/offsets \
	tests/plugins/operators tests/plugins/posterior tests/plugins/range tests/plugins/samplers tests/plugins/steps tests/plugins/theory \
	tests/plugins/unet
LONG_PLUGIN_TESTS = tests/plugins/mixture tests/plugins/orders
FUZZ_TESTS = tests/fuzz/journal tests/fuzz/masks tests/fuzz/tiff tests/fuzz/weights
check_PROGRAMS += $(UNIT_TESTS) $(PLUGIN_TESTS) $(LONG_PLUGIN_TESTS) $(FUZZ_TESTS)
TESTS += $(UNIT_TESTS) $(PLUGIN_TESTS) $(FUZZ_TESTS)
LONG_TESTS += $(LONG_PLUGIN_TESTS)
EXTRA_DIST += tests/fuzz/fuzz.h tests/golden/unet-gray.safetensors tests/golden/unet-gray-values.safetensors \
	tests/golden/unet-color.safetensors.gz tests/golden/unet-color-values.safetensors \
	tests/golden/unet-experts.safetensors tests/golden/unet-experts-values.safetensors \
	tests/golden/unet-gray-derivative.safetensors tests/golden/unet-color-derivative.safetensors \
	tests/golden/unet-experts-derivative.safetensors \
	tests/golden/unet-deviation.safetensors tests/golden/unet-deviation-values.safetensors

# Samplers and guidances where the truth is known.
LABORATORY = tests/plugins/lab.c tests/plugins/lab.h
tests_plugins_closed_SOURCES = tests/plugins/closed.c $(LABORATORY)
tests_plugins_deblur_SOURCES = tests/plugins/deblur.c $(LABORATORY)
tests_plugins_degrade_SOURCES = tests/plugins/degrade.c $(LABORATORY)
tests_plugins_empirical_SOURCES = tests/plugins/empirical.c $(LABORATORY)
tests_plugins_holes_SOURCES = tests/plugins/holes.c $(LABORATORY)
tests_plugins_mixture_SOURCES = tests/plugins/mixture.c $(LABORATORY)
tests_plugins_orders_SOURCES = tests/plugins/orders.c $(LABORATORY)
tests_plugins_posterior_SOURCES = tests/plugins/posterior.c $(LABORATORY)
tests_plugins_samplers_SOURCES = tests/plugins/samplers.c $(LABORATORY)
tests_plugins_steps_SOURCES = tests/plugins/steps.c $(LABORATORY)
tests_plugins_theory_SOURCES = tests/plugins/theory.c $(LABORATORY)

# Code of plugins and of the command line.
WEIGHTS = plugins/common/neural/weights.c plugins/common/neural/weights.h plugins/common/file.c plugins/common/file.h
tests_unit_fill_SOURCES = tests/unit/fill.c plugins/common/fill.c plugins/common/fill.h \
	plugins/common/vector.c plugins/common/vector.h
tests_unit_window_SOURCES = tests/unit/window.c src/cli/batch-window.c src/cli/batch-window.h
tests_unit_card_SOURCES = tests/unit/card.c src/cli/card.c src/cli/report.c
tests_unit_divide_SOURCES = tests/unit/divide.c src/cli/batch-divide.c src/cli/batch-window.c \
	src/cli/outputs.c src/cli/report.c
tests_plugins_unet_SOURCES = tests/plugins/unet.c $(WEIGHTS)
tests_plugins_unet_LDADD = $(LDADD) $(ZLIB_LIBS)
tests_unit_picture_SOURCES = tests/unit/picture.c src/cli/picture.c src/cli/picture.h
tests_fuzz_masks_SOURCES = tests/fuzz/masks.c src/cli/picture.c src/cli/picture.h
tests_fuzz_weights_SOURCES = tests/fuzz/weights.c $(WEIGHTS)
tests_fuzz_tiff_LDADD = $(LDADD) $(ZLIB_LIBS)
tests_fuzz_weights_LDADD = $(LDADD) $(ZLIB_LIBS)

## scripts that are tests, and programs that they call

check_PROGRAMS += tests/cli/interrupt tests/cli/maketiff tests/plugins/conformance tests/plugins/process tests/plugins/refusals tests/plugins/speaker
# The dearest come first.
SCRIPT_TESTS = \
	tests/plugins/conformance.sh \
	tests/cli/batch.sh \
	tests/plugins/refusals.sh \
	tests/plugins/abi.sh \
	tests/plugins/blocks.sh \
	tests/plugins/header.sh \
	tests/plugins/process.sh \
	tests/plugins/templates.sh \
	tests/unit/layers.sh \
	tests/cli/check.sh \
	tests/cli/compare.sh \
	tests/cli/completion.sh \
	tests/cli/divide.sh \
	tests/cli/failure.sh \
	tests/cli/faults.sh \
	tests/cli/fit.sh \
	tests/cli/help.sh \
	tests/cli/hostile.sh \
	tests/cli/interrupt.sh \
	tests/cli/man.sh \
	tests/cli/measured.sh \
	tests/cli/method.sh \
	tests/cli/misuse.sh \
	tests/cli/operands.sh \
	tests/cli/oracle.sh \
	tests/cli/overnight.sh \
	tests/cli/pages.sh \
	tests/cli/parts.sh \
	tests/cli/places.sh \
	tests/cli/restore.sh \
	tests/cli/rounds.sh \
	tests/cli/scale.sh \
	tests/cli/study.sh \
	tests/cli/threads.sh \
	tests/cli/wishes.sh
LONG_SCRIPT_TESTS = tests/cli/disaster.sh tests/cli/examples.sh tests/cli/hosts.sh
TESTS += $(SCRIPT_TESTS)
LONG_TESTS += $(LONG_SCRIPT_TESTS)
EXTRA_DIST += $(SCRIPT_TESTS) $(LONG_SCRIPT_TESTS) tests/cli/common.sh tests/cli/batch-common.sh tests/cli/faults.c tests/cli/trap.c \
	tests/golden/study.py tests/golden/study.tsv tests/plugins/abi-1.0 tests/plugins/broken

# Automake has rules for what stands in TESTS alone: long tests stand there too, and skip themselves without LACUNA_LONG.
TESTS += $(LONG_TESTS)
check-long:
	LACUNA_LONG=1 $(MAKE) $(AM_MAKEFLAGS) check

## a staged installation: the program runs from it, and a plugin is built with nothing but its pkg-config file

EXTRA_DIST += tests/plugins/installed.sh
installcheck-staged: all
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(top_srcdir)/tests/plugins/installed.sh

## measurements; nothing here passes or fails

EXTRA_PROGRAMS = tests/bench/step tests/bench/process
EXTRA_DIST += tests/bench/half.py
tests_bench_step_LDADD = $(LDADD) $(FFTW_LIBS)

if ONEDNN
EXTRA_PROGRAMS += tests/bench/unet
tests_bench_unet_SOURCES = tests/bench/unet.c plugins/common/neural/onednn.c plugins/common/neural/onednn.h $(WEIGHTS)
tests_bench_unet_LDADD = $(LDADD) $(ONEDNN_LIBS) $(ZLIB_LIBS)
BENCH_UNET = tests/bench/unet
endif

bench: all tests/bench/step tests/bench/process tests/plugins/speaker $(BENCH_UNET)
	$(AM_TESTS_ENVIRONMENT) tests/bench/step
	$(AM_TESTS_ENVIRONMENT) tests/bench/process "tests/plugins/speaker half"
	if test -n "$(PYTHON)"; then $(AM_TESTS_ENVIRONMENT) \
	  tests/bench/process "$(PYTHON) $(abs_top_srcdir)/tests/bench/half.py"; fi
	if test -n "$(BENCH_UNET)"; then $(AM_TESTS_ENVIRONMENT) $(BENCH_UNET); fi
