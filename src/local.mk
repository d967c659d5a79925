## The program: one library for each layer, in the order of the layers.

## ---- src/base

noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = \
	src/base/child.c src/base/child.h \
	src/base/clock.c src/base/clock.h \
	src/base/context.c src/base/context.h \
	src/base/error.c src/base/error.h \
	src/base/file.c src/base/file.h \
	src/base/install.c src/base/install.h \
	src/base/log.c src/base/log.h \
	src/base/memory.c src/base/memory.h \
	src/base/random.c src/base/random.h \
	src/base/temporary.c src/base/temporary.h \
	src/base/numbers.c src/base/numbers.h \
	src/base/text.c src/base/text.h \
	src/base/threads.c src/base/threads.h \
	src/base/vector.c src/base/vector.h

## ---- src/image

noinst_LIBRARIES += src/image/libimage.a
src_image_libimage_a_SOURCES = \
	src/image/image.c src/image/image.h \
	src/image/png.c src/image/png.h \
	src/image/sample.c src/image/sample.h \
	src/image/file.c src/image/file.h \
	src/image/tiff/band.c \
	src/image/tiff/checksum.c \
	src/image/tiff/decode.c \
	src/image/tiff/description.c src/image/tiff/description.h \
	src/image/tiff/description-imagej.c \
	src/image/tiff/description-ome.c \
	src/image/tiff/description-pages.c \
	src/image/tiff/description-private.h \
	src/image/tiff/description-shape.c \
	src/image/tiff/description-text.c \
	src/image/tiff/format.c \
	src/image/tiff/handle.c \
	src/image/tiff/layout.c \
	src/image/tiff/open.c \
	src/image/tiff/page-info.c \
	src/image/tiff/private.h \
	src/image/tiff/read.c \
	src/image/tiff/sparse.c \
	src/image/tiff/stack.c \
	src/image/tiff/tags.c \
	src/image/tiff/write.c \
	src/image/tiff/write-plan.c \
	src/image/tiff/write-private.h \
	src/image/tiff/write-samples.c \
	src/image/tiff/write-tags.c

## ---- src/plugin

noinst_LIBRARIES += src/plugin/libplugin.a
src_plugin_libplugin_a_SOURCES = \
	src/plugin/examine.c \
	src/plugin/fft.c src/plugin/fft.h \
	src/plugin/host.c src/plugin/host.h \
	src/plugin/listing.c \
	src/plugin/loader.c src/plugin/loader.h \
	src/plugin/loader-private.h \
	src/plugin/object.c src/plugin/object.h \
	src/plugin/param.c src/plugin/param.h \
	src/plugin/places.c src/plugin/places.h \
	src/plugin/probe.c src/plugin/probe.h

## ---- src/engine

noinst_LIBRARIES += src/engine/libengine.a
src_engine_libengine_a_SOURCES = \
	src/engine/metrics.c src/engine/metrics.h \
	src/engine/operation.c src/engine/operation.h \
	src/engine/prior.c src/engine/prior.h \
	src/engine/problem.c src/engine/problem.h \
	src/engine/problem-apply.c \
	src/engine/problem-diagonal.c \
	src/engine/problem-measure.c \
	src/engine/problem-private.h \
	src/engine/problem-solve.c \
	src/engine/run.c src/engine/run.h \
	src/engine/run-private.h \
	src/engine/run-services.c \
	src/engine/services.c src/engine/services.h \
	src/engine/solve.c src/engine/solve.h \
	src/engine/turn.c src/engine/turn.h

## ---- src/check

noinst_LIBRARIES += src/check/libcheck.a
src_check_libcheck_a_SOURCES = \
	src/check/check.c src/check/check.h \
	src/check/conduct.c \
	src/check/method.c \
	src/check/operator.c \
	src/check/operator-adjoint.c \
	src/check/operator-calls.c \
	src/check/operator-fit.c \
	src/check/operator-private.h \
	src/check/operator-spectrum.c \
	src/check/prior.c \
	src/check/prior-calls.c \
	src/check/prior-denoise.c \
	src/check/prior-derivative.c \
	src/check/prior-extensions.c \
	src/check/prior-private.h \
	src/check/private.h \
	src/check/spectrum.c src/check/spectrum.h \
	src/check/surroundings.c

## ---- src/restore

noinst_LIBRARIES += src/restore/librestore.a
src_restore_librestore_a_SOURCES = \
	src/restore/bands.c src/restore/bands.h \
	src/restore/describe.c src/restore/describe.h \
	src/restore/ensemble.c src/restore/ensemble.h \
	src/restore/fit.c src/restore/fit.h \
	src/restore/holes.c src/restore/holes.h \
	src/restore/method.c src/restore/method.h \
	src/restore/missing.c src/restore/missing.h \
	src/restore/noise.c src/restore/noise.h \
	src/restore/noise-bins.c \
	src/restore/noise-blocks.c \
	src/restore/noise-clipped.c \
	src/restore/noise-correlated.c \
	src/restore/noise-counts.c \
	src/restore/noise-evidence.c \
	src/restore/noise-grain.c \
	src/restore/noise-jpeg.c \
	src/restore/noise-map.c \
	src/restore/noise-places.c \
	src/restore/noise-power.c \
	src/restore/noise-private.h \
	src/restore/reject.c src/restore/reject.h \
	src/restore/restore.c src/restore/restore.h \
	src/restore/restorer.c src/restore/restorer.h \
	src/restore/scale.c src/restore/scale.h \
	src/restore/stages.h \
	src/restore/stage-deviation.c \
	src/restore/stage-judge.c \
	src/restore/stage-noise.c \
	src/restore/stage-result.c \
	src/restore/stage-samples.c \
	src/restore/stage-scale.c \
	src/restore/stage-spare.c \
	src/restore/stage-values.c \
	src/restore/stage-wide-noise.c \
	src/restore/stabilise.c src/restore/stabilise.h \
	src/restore/tweedie.c src/restore/tweedie.h \
	src/restore/wiener.c src/restore/wiener.h \
	src/restore/windows.c src/restore/windows.h \
	src/restore/windows-layout.c \
	src/restore/windows-plan.c \
	src/restore/windows-private.h \
	src/restore/windows-reach.c \
	src/restore/windows-sums.c

## ---- src/batch

noinst_LIBRARIES += src/batch/libbatch.a
src_batch_libbatch_a_SOURCES = \
	src/batch/conf.c src/batch/conf.h \
	src/batch/digest.c src/batch/digest.h \
	src/batch/journal.c src/batch/journal.h \
	src/batch/part.c src/batch/part.h \
	src/batch/pool.c src/batch/pool.h \
	src/batch/share.c src/batch/share.h \
	src/batch/sheet.c src/batch/sheet.h \
	src/batch/tree.c src/batch/tree.h
EXTRA_DIST += src/batch/sheet.html
BUILT_SOURCES = \
	src/batch/sheet-html.h
CLEANFILES += src/batch/sheet-html.h
# The page as lines of C, so that the program needs no file to write it.
src/batch/sheet-html.h: src/batch/sheet.html
	$(AM_V_GEN)$(MKDIR_P) src/batch && { echo 'static const char *const sheet_html[] = {'; \
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n",/' $(srcdir)/src/batch/sheet.html; \
		echo '};'; } >$@.new && mv $@.new $@
src/batch/libbatch_a-sheet.o src/batch/sheet.o: src/batch/sheet-html.h

## ---- src/study

noinst_LIBRARIES += src/study/libstudy.a
src_study_libstudy_a_SOURCES = \
	src/study/bench.c src/study/bench.h \
	src/study/distance.c src/study/distance.h \
	src/study/even.c src/study/even.h \
	src/study/fit.c src/study/fit.h \
	src/study/impulse.c src/study/impulse.h \
	src/study/laboratory.c src/study/laboratory.h \
	src/study/mixture.c src/study/mixture.h \
	src/study/plot.c src/study/plot.h \
	src/study/table.c src/study/table.h \
	src/study/target.c src/study/target.h

## ---- src/cli

bin_PROGRAMS += lacuna
lacuna_SOURCES = \
	src/cli/batch-divide.c src/cli/batch-divide.h \
	src/cli/batch-done.c \
	src/cli/batch-plan.c \
	src/cli/batch-run.c \
	src/cli/batch-show.c \
	src/cli/batch-window.c src/cli/batch-window.h \
	src/cli/batch-work.c \
	src/cli/batch.c src/cli/batch.h \
	src/cli/card.c src/cli/card.h \
	src/cli/check.c \
	src/cli/cli.h \
	src/cli/common.c src/cli/common.h \
	src/cli/compare.c \
	src/cli/complete.c \
	src/cli/describe.c src/cli/describe.h \
	src/cli/help.c \
	src/cli/levels.c src/cli/levels.h \
	src/cli/list.c \
	src/cli/main.c \
	src/cli/messages.c \
	src/cli/new.c \
	src/cli/operands.c src/cli/operands.h \
	src/cli/options.c src/cli/options.h \
	src/cli/outputs.c src/cli/outputs.h \
	src/cli/page-companions.c \
	src/cli/page-copy.c \
	src/cli/page-fit.c \
	src/cli/page-measurement.c \
	src/cli/page-missing.c \
	src/cli/page-parts.c \
	src/cli/page-plan.c \
	src/cli/page-record.c \
	src/cli/page-survey.c \
	src/cli/page-write.c \
	src/cli/page.c src/cli/page.h \
	src/cli/picture.c src/cli/picture.h \
	src/cli/progress.c src/cli/progress.h \
	src/cli/recipe.c src/cli/recipe.h \
	src/cli/report.c src/cli/report.h \
	src/cli/restoration-report.c \
	src/cli/restoration.c src/cli/restoration.h \
	src/cli/restore.c \
	src/cli/signals.c src/cli/signals.h \
	src/cli/simulate.c \
	src/cli/study.c \
	src/cli/try.c
LAYERS = src/study/libstudy.a src/batch/libbatch.a src/restore/librestore.a src/check/libcheck.a src/engine/libengine.a \
	src/image/libimage.a src/plugin/libplugin.a src/base/libbase.a
LAYERS_LIBS = $(FFTW_LIBS) $(JANSSON_LIBS) $(TIFF_LIBS) $(PNG_LIBS) $(ZLIB_LIBS) $(XXHASH_LIBS) $(LAPACKE_LIBS) $(LIBM)
lacuna_LDADD = $(LAYERS) $(LAYERS_LIBS)
