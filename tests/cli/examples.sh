# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Launchers and workflow managers, if installed: the examples give the same bits as a single run and restore each picture
# once.  SNAKEMAKE and NEXTFLOW name programs outside of PATH.  Long: only with LACUNA_LONG.
. "$abs_top_srcdir/tests/cli/common.sh"
if test -z "$LACUNA_LONG"; then
	skip "long; LACUNA_LONG=1 runs it" "examples"
	done_testing
	exit
fi

options="-A identity -p gaussian -n 0.02"
mkdir in
for i in `seq 10 49`; do
	"$maketiff" in/$i.tif uint8 $i 30 1 1 || exit 99
done
"$LACUNA" batch in single $options -q --no-html

# made_by WHAT DIRECTORY
made_by() {
	(cd in && ls) >pictures
	same_files single "$2" "$1: the same bits" <pictures
	ok "$1: each once" test `cat "$2"/.lacuna/journal-*.jsonl | grep -c '"state":"done"'` -eq 40
	ok "$1: no claim is left" test -z "`ls "$2/.lacuna/claims"`"
}

if mpirun --version >/dev/null 2>&1; then
	test `id -u` -eq 0 && root=--allow-run-as-root
	ok "mpirun" mpirun $root --oversubscribe -np 4 "$LACUNA" batch in mpi $options -q --no-html -j1
	made_by mpirun mpi
else
	skip "not installed" "mpirun"
fi

snakemake=${SNAKEMAKE:-snakemake}
if "$snakemake" --version >/dev/null 2>&1; then
	export XDG_CACHE_HOME="$PWD/cache"
	ok "snakemake" "$snakemake" -s "$abs_top_srcdir/examples/Snakefile" --cores 4 -q --config \
		lacuna="$LACUNA" input=in output=snake jobs=2 "options=$options"
	made_by snakemake snake
	ok "snakemake: a sheet" test -s snake/batch.html
	: >in/empty.tif
	fails 1 "snakemake: a bad picture" "$snakemake" -s "$abs_top_srcdir/examples/Snakefile" --cores 4 -q --config \
		lacuna="$LACUNA" input=in output=snake jobs=2 "options=$options"
	contains err "in/empty.tif" "snakemake: is named"
	rm in/empty.tif
	made_by "snakemake, again" snake
else
	skip "not installed" "snakemake"
fi

nextflow=${NEXTFLOW:-nextflow}
if "$nextflow" -version >/dev/null 2>&1; then
	ok "nextflow" "$nextflow" run "$abs_top_srcdir/examples/lacuna.nf" --lacuna "$LACUNA" --input in --output flow \
		--options "$options" --jobs 2
	made_by nextflow flow
else
	skip "not installed" "nextflow"
fi
done_testing
