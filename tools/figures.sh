#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# figures.sh LACUNA DIRECTORY [FIGURE ...]: makes the tables and plots of lacuna-study(1).  Called by `make figures'.
set -eu
lacuna=$1 out=$2
shift 2
mkdir -p "$out"

# study NAME OPTION ...: makes one table, and its plot if the options say what to show
study() {
	name=$1
	shift
	echo "  STUDY    $name" >&2
	"$lacuna" study -q -f -o "$out/$name.tsv" "$@"
}

# panels NAME "TABLE ..." OPTION ...: plots tables side by side
panels() {
	name=$1 tables=
	for table in $2; do
		tables="$tables $out/$table.tsv"
	done
	shift 2
	"$lacuna" study -q -f --svg "$out/$name.svg" "$@" $tables
}

two='matrix:rows=1 0 0 0;0 1 0 0' # the first two of four coordinates
papers=schedule=etc,from=noise,finish=none

# KL against T: every guidance with a score mismatch has a plateau, lowest for BO-DDNM.
kl() {
	study kl-gaussian --title 'Gaussian prior, noise 0.01' -A "$two" -n 0.01 -y '0 0' \
		-g DDNM=ddnm -g BO-DDNM=bo:threshold=1e6 -g exact \
		-s "ddpm:$papers,variance=theory" -s "DDNM+=ddnm-plus:$papers,variance=theory" \
		--smear 0.010000500037503 --steps 50,60,80,100,150,200,300,500,1000 --chains 64
	# Here the prior says little about the measured coordinates, and BO-DDNM is optimal.
	study kl-mixture --title 'Mixture prior, noise 0.3' -t random:seed=7,scale=0,variance=1 -A "$two" -n 0.3 \
		-g DDNM=ddnm -g BO-DDNM=bo:threshold=1e6 -g exact \
		-s "ddpm:$papers,delta=0.01,variance=theory" \
		-s "DDNM+=ddnm-plus:$papers,delta=0.01,variance=theory" \
		--smear 0.1005037815 --blur 0.2 --steps 50,88,127,166,205,400 --chains 65536
	panels kl 'kl-gaussian kl-mixture' --bound
}

# The same for operators that mix coordinates: a blur, and means of two neighbours.  gibbs ends without noise; therefore the
# others stop at a level that is negligible compared with the posterior's.
operators() {
	methods="-g ddnm -g bo:threshold=1e6 -g prox -g pivot -g exact -s ddpm:$papers,c=4,delta=1e-6,variance=theory
		-s gibbs:rho_max=1,rho_min=0.02"
	study kl-blur --title 'Gaussian prior, blur, noise 0.05' -n 0.05 \
		-A 'matrix:rows=0.5 0.25 0 0.25;0.25 0.5 0.25 0;0 0.25 0.5 0.25;0.25 0 0.25 0.5' \
		$methods --smear 0.0010000005 --steps 50,100,200,400 --chains 64
	study kl-downsample --title 'Gaussian prior, means of two, noise 0.05' -n 0.05 \
		-A 'matrix:rows=0.5 0.5 0 0;0 0 0.5 0.5' \
		$methods --smear 0.0010000005 --steps 50,100,200,400 --chains 64
	panels kl-operators 'kl-blur kl-downsample' --bound
}

# Orders of convergence without a measurement; steps have equal length in log(sigma).
orders() {
	even=schedule=geometric,sigma_max=300,sigma_min=0.03,from=noise,finish=none
	samplers="-s ode:$even -s ode-fast:form=practical,$even -s ddpm:$even,variance=theory -s ddpm-fast:$even"
	study orders-mixture --title 'Mixture in one dimension' -t random:dim=1,components=3,scale=0.3,seed=3 \
		$samplers --smear 0.03 --steps 20,40,80,160 --chains 16384
	study orders-gaussian --title 'Gaussian in two dimensions' -t gaussian:dim=2 \
		$samplers --smear 0.03 --steps 40,80,160,320,640,1280 --chains 64
	panels orders-w1 orders-mixture --show w1 --slopes
	panels orders-kl orders-gaussian --show kl --slopes
}

# The exponential integrator against critically damped Langevin (no gain), and both with a score that has a known error.
cld() {
	samplers="-s exp-integrator:schedule=ou,horizon=6,stop=0.001,from=noise
		-s cld:schedule=ou,horizon=6,stop=0.001,from=noise
		-s ddpm:schedule=ou,horizon=6,stop=0.001,from=noise"
	study cld-gaussian --title 'Gaussian target' -t gaussian:dim=4 $samplers \
		--steps 40,80,160,320,640,1280 --chains 64
	study cld-mixture --title 'Mixture in one dimension' -t random:dim=1,components=3,scale=0.3,seed=3 \
		$samplers --steps 40,80,160,320,640,1280 --chains 4096
	panels cld 'cld-gaussian cld-mixture' --show sliced-w2 --evaluations
	study score-error --title 'Score with an error of known L2 size' -t gaussian:dim=4 \
		-p 'gmm:file={target},score_error={error}' \
		-s exp-integrator:schedule=ou,horizon=6,stop=0.001,from=noise,steps=640 \
		-s cld:schedule=ou,horizon=6,stop=0.001,from=noise,steps=640 \
		--vary error=0.03125,0.0625,0.125,0.25,0.5,1 --chains 64
	panels score-error score-error --show kl --slopes --bound
}

# Sets without a density: early stopping costs sqrt(eps), and the steps must shrink with eps.
manifold() {
	for target in cloud circle:points=60 cube; do
		set=${target%%:*}
		even=schedule=geometric,sigma_max=100,from=noise,finish=none
		study stop-$set --title "$set, 200 steps" -t $target \
			-s "exp-integrator:$even,sigma_min={stop},steps=200" \
			-s "euler-maruyama:$even,sigma_min={stop},steps=200" \
			--vary stop=0.8,0.4,0.2,0.1,0.05,0.025 --chains 8192
		study step-$set --title "$set, stop at 0.02" -t $target \
			-s "steps even in log sigma=exp-integrator:$even,sigma_min=0.02" \
			-s 'steps even in time=exp-integrator:schedule=ou,horizon=9,stop=0.0002,from=noise,finish=none' \
			--steps 20,40,80,160,320 --chains 2048
	done
	panels stop 'stop-cloud stop-circle stop-cube' --show w1 --slopes
	panels step 'step-cloud step-circle step-cube' --show w1
}

# Exact guidance falls to the sampling error; the others do not.
exact() {
	study exact --title 'Mixture prior, noise 0.3' -t random:seed=7 -A "$two" -n 0.3 -y '0 0' \
		-g ddnm -g bo:threshold=1e6 -g prox -g exact -s ddpm:schedule=etc,from=noise \
		-s gibbs:rho_max=1,rho_min=0.05 -s bridge:from=noise --steps 25,50,100,200,400 --chains 8192
	panels exact exact --show sliced-w2
}

# How often credible intervals cover the truth.
coverage() {
	study coverage --title 'Coverage of credible intervals' --coverage -t random:seed=7 -A "$two" -n 0.3 \
		-g exact -g ddnm -g bo:threshold=1e6 -g prox -s ddpm:schedule=etc,from=noise,steps=200 \
		-s gibbs:rho_max=1,rho_min=0.05,steps=200 -s bridge:from=noise,steps=200 --chains 2048
}

for figure in ${*:-kl operators orders cld manifold exact coverage}; do
	$figure
done
