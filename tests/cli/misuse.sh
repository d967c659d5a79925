# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Wrong command lines: status 2, two lines with a hint, and no output file.
. "$abs_top_srcdir/tests/cli/common.sh"
ok "picture" "$maketiff" in.tif uint8 24 20 1 1
mkdir outputs
o=outputs/o.tif

fails 2 "no command" "$LACUNA"
contains err "Try 'lacuna help'" "no command: hint"
fails 2 "unknown command" "$LACUNA" restor in.tif
contains err "did you mean 'restore'" "unknown command: nearest name"

fails 2 "unknown option" "$LACUNA" restore in.tif -o $o -A identity --sampels 3
two_lines restore "unknown option"
contains err "did you mean '--samples'" "unknown option: nearest name"
fails 2 "unknown letter" "$LACUNA" restore in.tif -o $o -A identity -Z
contains err "unknown option '-Z'" "unknown letter: named"
fails 2 "value missing" "$LACUNA" restore in.tif -A identity -o
contains err "needs a value (OUT.tif)" "value missing: which"
fails 2 "value to a flag" "$LACUNA" restore in.tif -o $o -A identity --force=1
fails 2 "empty value" "$LACUNA" restore in.tif -o "" -A identity
fails 2 "no input" "$LACUNA" restore
two_lines restore "no input"
fails 2 "two inputs" "$LACUNA" restore in.tif in.tif -o $o -A identity
contains err "unexpected argument" "two inputs: named"
fails 2 "two outputs" "$LACUNA" restore in.tif -o $o -o outputs/p.tif -A identity
contains err "given twice" "two outputs: named"
fails 2 "no output" "$LACUNA" restore in.tif -A identity
contains err "no output is given: -o" "no output: named"
fails 2 "no operator" "$LACUNA" restore in.tif -o $o
contains err "no operator is given: -A" "no operator: named"

fails 2 "unknown operator" "$LACUNA" restore in.tif -o $o -A identiti
two_lines restore "unknown operator"
contains err 'did you mean "identity"' "unknown operator: nearest name"
fails 2 "unknown prior" "$LACUNA" restore in.tif -o $o -A identity -p gausian
contains err 'did you mean "gaussian"' "unknown prior: nearest name"
fails 2 "unknown guidance" "$LACUNA" restore in.tif -o $o -A identity -s hqs -g exct
contains err 'did you mean "exact"' "unknown guidance: nearest name"
fails 2 "guidance not taken" "$LACUNA" restore in.tif -o $o -A identity -s hqs -g exact
contains err "sampler hqs takes no guidance; leave out --guidance" "guidance not taken: remedy"
fails 2 "unknown parameter" "$LACUNA" restore in.tif -o $o -A mask:kep=0.5
contains err 'did you mean "keep"' "unknown parameter: nearest name"
fails 2 "parameter out of range" "$LACUNA" restore in.tif -o $o -A mask:keep=1.5
contains err "0 to 1" "parameter out of range: the range"
fails 2 "parameter without value" "$LACUNA" restore in.tif -o $o -A mask:keep
contains err "key=value" "parameter without value: the form"
fails 2 "parameter that does not apply" "$LACUNA" restore in.tif -o $o -A blur:radius=2
contains err "radius needs kind=disk, but kind is gaussian; give kind=disk" "parameter that does not apply: remedy"
fails 2 "kind beside psf" "$LACUNA" restore in.tif -o $o -A blur:psf=in.tif,kind=disk
contains err "kind cannot be combined with psf" "kind beside psf: named"
fails 2 "sigma beside psf" "$LACUNA" restore in.tif -o $o -A blur:sigma=2,psf=in.tif
contains err "sigma cannot be combined with psf" "sigma beside psf: named"

for bad in "--noise poisson:gain=0" "--noise poisson:gain=1,read=-1" "--noise poisson:gain=1,rate=3" "--noise -0.1" "--noise 1/0" "--noise loud" "--steps 0" "--steps 2.5" "--samples 0" "--seed -1" \
	"--seed 1e3" "--range 5" "--range 5:5" "--range a:b" "--memory much" "--memory 0" "--type int7" \
	"--method better" "--threads 0" "--threads 2000"; do
	fails 2 "$bad" "$LACUNA" restore in.tif -o $o -A identity $bad
	two_lines restore "$bad"
done
fails 2 "memory without a unit" "$LACUNA" restore in.tif -o $o -A identity --memory 4
contains err "means 4 bytes; write 4M or 4G" "memory without a unit: remedy"
two_lines restore "memory without a unit"
# A name of another format; uppercase is the same.
for bad in o.png o.JPG; do
	fails 1 "$bad" "$LACUNA" restore in.tif -o outputs/$bad -A identity -n 0.01 -p gaussian
	contains err "Lacuna writes TIFF; name it outputs/o.tif" "$bad: remedy"
	one_line "$bad"
done
fails 1 "--std s.png" "$LACUNA" restore in.tif -o $o -A identity -n 0.01 -p gaussian --std outputs/s.png
contains err "name it outputs/s.tif" "--std s.png: remedy"
fails 1 "simulate -o o.png" "$LACUNA" simulate in.tif -o outputs/o.png -A identity
contains err "name it outputs/o.tif" "simulate -o o.png: remedy"
# A part has whole numbers, a place from 0, and a size from 1; pages ascend.
for bad in 0,0,0,5 0,0,5,0 -1,0,5,5 0,-1,5,5 0,0,5 0,0,5,5,5 0.5,0,5,5 0,0,5,2147483648 a,0,5,5 0,0,,5; do
	fails 2 "--crop $bad" "$LACUNA" restore in.tif -o $o -A identity --crop $bad
	two_lines restore "--crop $bad"
done
for bad in 0 1,1 2,1 3-2 1-2,2 1, ,1 1-; do
	fails 1 "--pages $bad" "$LACUNA" restore in.tif -o $o -A identity --pages $bad
	one_line "--pages $bad"
done
fails 2 "deviation without samples" "$LACUNA" restore in.tif -o $o -A gamma --std s.tif
contains err "add --samples 8" "deviation without samples: remedy"
fails 2 "wrong choice" "$LACUNA" restore in.tif -o $o -A identity --method fasd
contains err "did you mean 'fast'" "wrong choice: nearest name"
fails 2 "the beginning of a type" "$LACUNA" restore in.tif -o $o -A identity --type uint
fails 2 "steps of a sampler" "$LACUNA" simulate in.tif -o $o -A identity --steps 3
fails 2 "noise of simulate" "$LACUNA" simulate in.tif -o $o -A identity -n auto
two_lines simulate "noise of simulate"
fails 2 "compare without second file" "$LACUNA" compare in.tif
fails 2 "unknown family" "$LACUNA" list operations
fails 2 "unknown topic" "$LACUNA" help nothing-like-it
fails 2 "unknown family of a plugin" "$LACUNA" help operation blur
fails 2 "unknown plugin" "$LACUNA" help operator nothing-like-it
fails 2 "check without plugin" "$LACUNA" check
fails 1 "linear sampler, other operator" "$LACUNA" restore in.tif -o $o -A gamma -s gibbs -n 0.01
one_line "linear sampler, other operator"
contains err 'sampler "gibbs" needs a linear operator' "linear sampler, other operator: named"
fails 1 "16 MiB" "$LACUNA" restore in.tif -o $o -A identity -n 0.01 -p gaussian --memory 16M
contains err "only 16.0 MiB" "are powers of two"
nothing_left outputs "misuse"
cp in.tif named.png
ok "in place it keeps its name" "$LACUNA" restore named.png --in-place -A identity -n 0.01 -p gaussian
ok "as many threads as may be" "$LACUNA" restore in.tif -o $o -A identity -n 0.01 -p gaussian --threads 1024
done_testing
