# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Which sampler and guidance are taken when nobody says, for one operator and for two in either order: all of them count.
. "$abs_top_srcdir/tests/cli/common.sh"
ok "picture" "$maketiff" in.tif uint8 24 20 1 1
ok "small picture" "$maketiff" small.tif uint8 12 10 1 1

# chosen SAMPLER GUIDANCE STEPS OPTION...: guidance - is none
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
# all is there, pixel by pixel: one evaluation, of each turned image where the prior is symmetric
chosen hqs - 19 -A identity
chosen hqs - 19 -A identity:gain=0.5 -A identity
# not all of it
chosen hqs - 19 -A $hole
chosen hqs - 19 -A $hole -A identity
chosen hqs - 19 -A identity -A $hole
chosen ode exact 1 -A $hole -m fast
# not pixel by pixel
chosen hqs - 50 -A $blur
chosen hqs - 50 -A $blur -A identity
chosen hqs - 50 -A identity -A $blur
chosen hqs - 50 -A $hole -A $blur
chosen hqs - 12 -A $blur -m fast
# not linear
chosen hqs - 12 -A gamma
chosen hqs - 12 -A gamma -A identity
chosen hqs - 12 -A identity -A gamma
chosen ddpm prox 4 -A identity -A gamma -m sample --steps 4
# samples
chosen ddpm-fast exact 3 -A identity --samples 2 --steps 3
chosen ddpm-fast exact 3 -A $blur -A $hole --samples 2 --steps 3
chosen ddpm-fast exact 3 -A identity -m sample --steps 3
# a guidance asks for a sampler that asks it; a sampler of one's own keeps the default guidance
chosen ddpm-fast bo 3 -A $blur -g bo --steps 3
chosen ode exact 3 -A $blur -s ode --steps 3 -g exact
chosen hqs - 7 -A $blur --steps 7
fails 2 "a guidance beside a sampler that asks none" "$LACUNA" restore -q in.tif -o o.tif -f -n 0.02 -p gaussian -A $blur -s hqs -g bo
contains err "takes no guidance" "... says so"
fails 2 "a guidance that is not there" "$LACUNA" restore -q in.tif -o o.tif -f -n 0.02 -p gaussian -A $blur -s hqs -g boo
contains err '"boo"' "... is refused as such"
done_testing
