# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# lacuna study against an independent program (tests/golden/study.py): KL, errors of mean and covariance, and W_bias of every
# guidance and of the samplers that have their own, on masks, blurs, means and a tall matrix.
. "$abs_top_srcdir/tests/cli/common.sh"

golden=$abs_top_srcdir/tests/golden/study.tsv

# compare: every row of ./want is in ./out, up to 0.1 % and rounding to single precision
compare() {
	awk -F'\t' '
	function differs(got, want) {
		if (want == "-" || got == "-")
			return got != want
		return (got - want > 0.001 * want + 3e-6) || (want - got > 0.001 * want + 3e-6)
	}
	FNR == NR { if ($2 + 0 > 0) { row[$1 " " $2] = 1; kl[$1 " " $2] = $6; mean[$1 " " $2] = $9; cov[$1 " " $2] = $10
		bias[$1 " " $2] = $11; from[$1 " " $2] = $5 } next }
	{ k = $1 " " $2; n++ }
	!(k in row) || from[k] != "law" || differs(kl[k], $3) || differs(mean[k], $4) || differs(cov[k], $5) || differs(bias[k], $6) {
		print "# " k ": got", kl[k], mean[k], cov[k], bias[k], "want", $3, $4, $5, $6 > "/dev/stderr"; bad++ }
	END { print n; exit !(n && !bad) }' out want >count 2>differences
}

number=0 rows=0
while IFS= read -r line; do
	case $line in
	"@ "*)	number=$((number + 1))
		printf '%s\n' "${line#@ }" >options.$number ;;
	*)	printf '%s\n' "$line" >>want.$number ;;
	esac
done <"$golden"
k=0
while test $k -lt $number; do
	k=$((k + 1))
	mv want.$k want
	eval "ok \"study $k runs\" \"\$LACUNA\" study `cat options.$k`"
	compare
	tap_result $? "study $k: `cat count` rows as the oracle has them"
	cat differences
	rows=$((rows + `cat count`))
done
test $number -ge 9 && test $rows -ge 90
tap_result $? "$rows rows of $number studies"
done_testing
