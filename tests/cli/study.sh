# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# lacuna study: the KL table of a Gaussian target with the real plugins, reproducible bits, wrong options.
. "$abs_top_srcdir/tests/cli/common.sh"

two='matrix:rows=1 0 0 0;0 1 0 0'
papers=schedule=etc,variance=theory,from=noise,finish=none

# value CURVE STEPS: KL of that row of ./out, rounded like the reference
kl() {
	awk -F'\t' -v c="$1" -v s="$2" '$1 == c && $2 == s { printf "%.4f", $6; found = 1 } END { exit !found }' out
}
expect() {
	test "`kl "$1" $2`" = $3
	tap_result $? "KL of $1 in $2 steps is $3"
}

# d = 4, correlation 1/2, the first two coordinates measured, y = 0, noise 0.01; mean and covariance propagated exactly.
ok "KL table" "$LACUNA" study -A "$two" -n 0.01 -y '0 0' -g ddnm -g bo:threshold=1e6 -g exact \
	-s ddpm:$papers --smear 0.010000500037503 --steps 50,100,200 --chains 16 --svg kl.svg --bound
expect ddnm 50 0.1457
expect ddnm 100 0.2069
expect ddnm 200 0.2511
expect bo 50 0.0565
expect bo 100 0.0333
expect bo 200 0.0223
expect exact 50 0.0267
expect exact 100 0.0094
expect exact 200 0.0031
# rows CONDITION COUNT NAME: COUNT rows, and the condition holds for each
rows() {
	awk -F'\t' "\$2 + 0 > 0 { n++; if (!($1)) bad++ } END { exit !(n == $2 && !bad) }" out
	tap_result $? "$3"
}
rows '$1 != "exact" || $11 <= 1e-9' 9 "exact guidance has no mismatch"
awk -F'\t' '$1 == "exact" { own[$2] = $6 } $1 == "ddnm" || $1 == "bo" { kl[$1 " " $2] = $6; bias[$1 " " $2] = $11 }
	END { for (k in kl) { n++; split(k, part, " "); if (kl[k] > bias[k] + own[part[2]]) bad++ } exit !(n == 6 && !bad) }' out
tap_result $? "KL is below W_bias and the KL without mismatch"
contains kl.svg "</svg>" "the plot is whole"
contains kl.svg "W_bias" "the plot tells of the bound"

ok "a thousand steps" "$LACUNA" study -A "$two" -n 0.01 -y '0 0' -g bo:threshold=1e6 -s ddpm:$papers \
	--smear 0.010000500037503 --steps 1000 --chains 16
expect "bo, ddpm" 1000 0.0149
test "`awk -F'\t' '$2 == 1000 { printf "%.4f", $11 }' out`" = 0.0637
tap_result $? "its W_bias is 0.0637"

sampled() {
	"$LACUNA" study -t random:seed=7 -A "$two" -n 0.3 -g "BO=bo:threshold=1e6" -g exact \
		-s ddpm:steps=20,from=noise -s gibbs:steps=5 --chains 1024 "$@"
}
ok "a mixture" sampled -o a.tsv
sampled --threads 3 >b.tsv
same_text a.tsv b.tsv "same seed, same bytes, whatever the threads"
sampled --seed 1 >c.tsv
! cmp -s a.tsv c.tsv
tap_result $? "another seed, another table"
contains a.tsv "BO	20	" "a label of one's own"
grep -c '	samples	' a.tsv >count
test `cat count` -ge 3 && ! grep '	law	' a.tsv >/dev/null
tap_result $? "a mixture is known by samples alone"
test `grep -c '^gibbs' a.tsv` -eq 1
tap_result $? "a sampler without guidance runs once"
ok "panels from tables" "$LACUNA" study --svg panels.svg --show w1 a.tsv c.tsv
test `grep -c '<rect x=' panels.svg` -eq 2
tap_result $? "two panels"

# If the law cannot be computed there is a warning, and with few samples there is no KL.
bent='restore-degrade:process="gamma:exponent=%",first=0.4545,last=1,eta=0.5,steps=5'
ok "a sampler that bends" "$LACUNA" study -t gaussian:mean=0.5,variance=0.04 -s "$bent" --chains 64
contains err "warning: restore-degrade: is not affine" "its law is not known: a warning"
rows '$6 == "-" && $5 == "-"' 1 "64 samples have no KL"
awk -F'\t' '$1 == "exact samples" { n++; if ($6 != "-") bad++ } END { exit !(n == 1 && !bad) }' out
tap_result $? "nor have 64 exact ones"
ok "the same with more samples" "$LACUNA" study -t gaussian:mean=0.5,variance=0.04 -s "$bent" --chains 1024
rows '$5 == "samples" && $6 > 1' 1 "1024 have one"

# Isotropic components: the measured coordinates are nearly independent of the rest, and BO-DDNM has hardly any bias.
ok "laws that hardly overlap" "$LACUNA" study -t random:seed=7,scale=0,variance=1 -A "$two" -n 0.3 -g ddnm -g bo:threshold=1e6 \
	-s ddpm:$papers,delta=0.01 --smear 0.1005 --blur 0.3 --steps 100 --chains 8192
rows '$1 == "ddnm" ? $6 > 0.2 : $6 < 0.04' 2 "blurred, they are told apart: KL of ddnm is several times that of bo"
ok "blurred, few samples" "$LACUNA" study -t gaussian:mean=0.5,variance=0.04 -s "$bent" --chains 64 --blur 0.3
rows '$5 == "-" && $6 == "-"' 1 "have no KL, either"
ok "a law that is known" "$LACUNA" study -t gaussian:dim=1,mean=0.5,variance=0.04 -s ode:steps=4 --chains 64 --blur 0.3
rows '$5 == "law" && $6 - (log((0.13 - $10) / 0.13) - 1 + 0.13 / (0.13 - $10) + $9 * $9 / (0.13 - $10)) / 2 < 1e-6 &&
	$6 - (log((0.13 - $10) / 0.13) - 1 + 0.13 / (0.13 - $10) + $9 * $9 / (0.13 - $10)) / 2 > -1e-6' 1 \
	"is blurred, too: the KL of two Gaussians with 0.3^2 more variance"

ok "coverage" "$LACUNA" study --coverage -A "$two" -n 0.3 -g exact -g ddnm -s ddpm:steps=60,sigma_min=0.02,from=noise --chains 400
rows '$1 != "exact" || ($12 > 0.43 && $12 < 0.57 && $14 > 0.92 && $14 < 0.98)' 2 "intervals of exact guidance cover as they should"
rows '$1 != "ddnm" || $12 < 0.4' 2 "those of ddnm do not"
# sqrt(p (1 - p)/n) is largest at p = 1/2.  Only chains are independent, not the coordinates of one.
rows '$15 == 0.025' 2 "400 chains have a standard error of 0.025 at most"
! grep -q '^exact samples' out
tap_result $? "coverage has no floor"

# What exact samples reach is the distance of two sets, and other seeds have other sets.
floor() {
	"$LACUNA" study -t gaussian:dim=2 -s ode:steps=1 --chains 256 --seed $1 | grep '^exact samples'
}
floor 0 >floor0
floor 1 >floor1
awk -F'\t' '{ exit !($7 > 0.01 && $8 > 0.01) }' floor0
tap_result $? "two sets of exact samples differ"
cut -f 8-10 floor0 >far0
cut -f 8-10 floor1 >far1
fails 1 "other seeds, other samples" cmp far0 far1

# Two sets of samples of one law are near each other, of whichever size: each component keeps its share.
for chains in 512 4096; do
	"$LACUNA" study -t random:seed=7,variance=0.01,scale=0.1 -s ode:steps=1 --chains $chains | grep '^exact samples' >near
	awk -F'\t' '{ n++; if (!($8 > 0.05 && $8 < 0.3)) bad++ } END { exit !(n == 1 && !bad) }' near
	tap_result $? "W1 of $chains exact samples of four components"
done

ok "a parameter is varied" "$LACUNA" study -t cube -s 'ode:sigma_min={stop},finish=none,from=noise' --vary stop=0.1,0.2 --chains 64
contains out "ode	0.2	" "its values are in the table"

mkdir tmp
tiny="--chains 16"
ok "a name twice" env TMPDIR=$tap_dir/tmp "$LACUNA" study $tiny -s 'ode:steps={n},sigma_min=0.0{n},from=noise' --vary n=5,8
rows '$1 == "ode" && $2 == $3' 2 "both are replaced"
test -z "`ls -A tmp`"
tap_result $? "the file of the target is gone"
ok "in the prior alone" "$LACUNA" study $tiny -p 'gaussian:exponent=0,mean={m},amplitude=1' -s ode:steps=3 --vary m=0.5,1
rows '$1 == "ode"' 2 "is a variation, too"
ok "steps that the sampler places" "$LACUNA" study $tiny -s 'ode:steps={steps},from=noise' --steps 3,4
rows '$2 == $3' 2 "are there once"
ok "one sampler twice" "$LACUNA" study $tiny -s ode:steps=3 -s ode:steps=4 -s ddpm:steps=2
cut -f 1 out | sort -u >labels
for label in ode:steps=3 ode:steps=4 ddpm; do
	grep -q -x $label labels
	tap_result $? "its label is $label"
done
ok "noise without a measurement" "$LACUNA" study $tiny -t cube -s ode:steps=3 -n 0.3
cp out noisy
ok "and none" "$LACUNA" study $tiny -t cube -s ode:steps=3
same_text out noisy "make no difference"

refused() {
	name=$1
	shift
	fails 2 "$name" "$LACUNA" study --chains 16 "$@"
	test `wc -l <err` -le 2
	tap_result $? "$name: a line"
}
refused "unknown target" -t galaxy
contains err "circle" "the targets are named"
refused "guidance without a measurement" -g bo
refused "coverage without a measurement" --coverage
refused "steps that are no numbers" --steps 10,x
refused "nothing to vary" --vary stop=1,2
contains err "{stop}" "it says what was looked for"
refused "steps and vary" --steps 10 --vary a=1
refused "vary without a name" --vary 1,2
refused "misspelt sampler" -s dpm
refused "parameter out of range" -s ddpm:steps=0
refused "measurement too short" -A "$two" -y '1' -g exact
refused "measurement too long" -A "$two" -y '1 2 3' -g exact
refused "matrix of another size" -A 'matrix:rows=1 0;0 1;1 1' -t gaussian:dim=3 -g exact
fails 1 "an operator that mixes chains" "$LACUNA" study -A blur:sigma=1,boundary=periodic -n 0.1 -t gaussian:dim=8 -g exact \
	-s ode:steps=2 --chains 16
contains err "mixes the chains" "an operator that mixes chains: reason"
refused "tables without a plot" a.tsv
refused "unknown measure" --show speed
fails 1 "no table" "$LACUNA" study --svg x.svg /dev/null
fails 1 "existing table" "$LACUNA" study -o a.tsv --chains 16
contains err "force" "existing table: remedy"
done_testing
