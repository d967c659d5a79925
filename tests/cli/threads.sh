# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Same seed, same bits, whatever the number of threads.
. "$abs_top_srcdir/tests/cli/common.sh"
ok "picture" "$maketiff" in.tif uint16 94 70 3 1
for operator in blur:sigma=1.3 blur:sigma=1.3,boundary=periodic mask:keep=0.6 downsample:factor=2; do
	ok "$operator" "$LACUNA" simulate in.tif -o y.tif -f -A $operator -n 0.02
	for threads in 1 2 4; do
		ok "$operator, simulate, $threads threads" "$LACUNA" simulate in.tif -o y$threads.tif -f -A $operator -n 0.02 -j $threads
		ok "$operator, samples, $threads threads" "$LACUNA" restore y.tif -o x$threads.tif -f -A $operator -n 0.02 -p gaussian \
			-s ddpm -g prox --steps 4 --samples 2 --std s$threads.tif --seed 7 -j $threads
		ok "$operator, estimate, $threads threads" "$LACUNA" restore y.tif -o h$threads.tif -f -A $operator -n 0.02 -p gaussian \
			-s hqs --steps 4 -j $threads
	done
	for threads in 2 4; do
		for file in y x s h; do
			ok "$operator, $file: $threads threads like 1" cmp ${file}1.tif $file$threads.tif
		done
	done
done
ok "another seed" "$LACUNA" restore y.tif -o x5.tif -A downsample:factor=2 -n 0.02 -p gaussian -s ddpm -g prox --steps 4 --samples 2 --seed 8
fails 1 "another seed, another sample" cmp x1.tif x5.tif
done_testing
