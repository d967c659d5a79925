# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# The default sampler and guidance, for one operator and for two in either order: all operators count.
. "$abs_top_srcdir/tests/cli/common.sh"
ok "picture" "$maketiff" in.tif uint8 24 20 1 1
ok "small picture" "$maketiff" small.tif uint8 12 10 1 1

# chosen SAMPLER GUIDANCE STEPS OPTION...: guidance - means none
chosen() {
	sampler=$1 guidance=$2 steps=$3
	shift 3
	"$LACUNA" restore in.tif -o o.tif -f -q -n 0.02 -p gaussian --json "$@" >out 2>err
	status=$?
	got=`awk '$1 == "\"guidance\":" || $1 == "\"sampler\":" { at = $1; if ($2 == "null,") print "-" }
		at && $1 == "\"name\":" { gsub(/[",]/, "", $2); print $2; if (at == "\"guidance\":") at = "" }
		at == "\"sampler\":" && $1 == "\"steps\":" { gsub(/,/, "", $2); print $2; exit }' out | tr '\n' ' '`
	test $status -eq 0 && test "$got" = "$guidance $sampler $steps "
	tap_result $? "$*: $sampler, guidance $guidance, $steps steps"
	test "$got" = "$guidance $sampler $steps " || { echo "$got"; cat err; } | diag
}

blur=blur:sigma=1,boundary=periodic
hole=mask:boxes=1,size=4
# complete and pixelwise: one evaluation, or one for each turned image if the prior is symmetric
chosen hqs - 10 -A identity
chosen hqs - 10 -A identity:gain=0.5 -A identity
# incomplete
chosen hqs - 10 -A $hole
chosen hqs - 10 -A $hole -A identity
chosen hqs - 10 -A identity -A $hole
chosen ode exact 1 -A $hole -m fast
# not pixelwise
chosen hqs - 50 -A $blur
chosen hqs - 50 -A $blur -A identity
chosen hqs - 50 -A identity -A $blur
chosen hqs - 50 -A $hole -A $blur
chosen hqs - 7 -A $blur -m fast
# not linear
chosen hqs - 7 -A gamma
chosen hqs - 7 -A gamma -A identity
chosen hqs - 7 -A identity -A gamma
chosen ddpm prox 4 -A identity -A gamma -m sample --steps 4
# several samples
chosen ddpm-fast exact 3 -A identity --samples 2 --steps 3
chosen ddpm-fast exact 3 -A $blur -A $hole --samples 2 --steps 3
chosen ddpm-fast exact 3 -A identity -m sample --samples 2 --steps 3
! grep -q "use --method sample" err
tap_result $? "samples are drawn, without a warning"
chosen hqs - 10 -A identity -m best --samples 2
contains err "use --method sample" "several estimates are no samples: a warning"
chosen ode exact 3 -A identity -m best --samples 2 -s ode --steps 3
! grep -q "use --method sample" err
tap_result $? "a sampler that was chosen needs none"
# a guidance selects a sampler that uses it; a sampler given by the user keeps the default guidance
chosen ddpm-fast bo 3 -A $blur -g bo --steps 3
chosen ode exact 3 -A $blur -s ode --steps 3 -g exact
chosen hqs - 7 -A $blur --steps 7
fails 2 "a guidance beside a sampler that asks none" "$LACUNA" restore -q in.tif -o o.tif -f -n 0.02 -p gaussian -A $blur -s hqs -g bo
contains err "takes no guidance" "... says so"
fails 2 "a guidance that is not there" "$LACUNA" restore -q in.tif -o o.tif -f -n 0.02 -p gaussian -A $blur -s hqs -g boo
contains err '"boo"' "... is refused as such"

# The choice depends on properties of plugins, not on names: an operator that omits part of the picture gets more rounds, a
# trained prior gets noise that suits networks, and for missing colours the result is sampled.
ok "a picture of even sizes" "$maketiff" even.tif uint8 32 16 1 1
facts() {
	for fact in "sampler $1" "steps $2"; do
		contains out "${fact% *}: ${fact#* }" "$3: $fact"
	done
}
# report SPEC OPTION...: the method that restores a measurement by SPEC; the noise is given
report() {
	spec=$1
	shift
	"$LACUNA" simulate -q -f -t float32 -A "$spec" even.tif -o y.tif
	"$LACUNA" restore y.tif -o o.tif -f -q -n 0.02 --json -A "$spec" "$@" >json 2>err
	sed -n '/"sampler":/,$p' json | sed -n -e 's/.*"name": "\([a-z-]*\)".*/sampler: \1/p' -e 's/.*"steps": \([0-9]*\),*$/steps: \1/p' \
		-e 's/.*"network": \([a-z]*\).*/network: \1/p' >out
}
examples=empirical:file=even.tif
for spec in mask:keep=0.5,seed=1 downsample:factor=2; do
	report $spec -p gaussian
	facts hqs `test "${spec%%:*}" = mask && echo 10 || echo 50` "$spec, a Gaussian prior"
done
report blur:sigma=1,boundary=periodic -p $examples
facts hqs 7 "a blur, any other prior"
for spec in downsample:factor=2 fourier:keep=0.5 hadamard:keep=0.5 radon:angles=8; do
	case $spec in
	fourier*) size= ;;
	*) size="--size 32x16" ;;
	esac
	report $spec -p $examples $size
	facts hqs 10 "$spec, any other prior"
done
speaker="process:command=$abs_top_builddir/tests/plugins/speaker half"
report blur:sigma=1,boundary=periodic -p "$speaker" -m sample
facts gibbs 20 "a prior that was learnt"
contains out "network: true" "... takes noise that suits networks"
report blur:sigma=1,boundary=periodic -p $examples -m sample
facts gibbs 40 "one that was not"
contains out "network: false" "... does not"
ok "colours" "$maketiff" colour.tif uint8 24 20 3 1
"$LACUNA" simulate -q -f -A gray colour.tif -o y.tif
"$LACUNA" restore y.tif -o o.tif -f -q -n 0.02 -A gray -p "$speaker" --json >json 2>err
contains json '"name": "ddnm"' "colours that are gone are drawn by a prior that was learnt"
contains err "colours are invented" "which a warning says"
done_testing
