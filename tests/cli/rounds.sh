# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# More information and more rounds never make the result worse: the presets, with the shipped networks, on a piece of a
# photograph.
. "$abs_top_srcdir/tests/cli/common.sh"

# piece X Y: writes x.tif
piece() {
	ok "a piece of a photograph" "$maketiff" --crop "$abs_top_srcdir/data/samples/colosseum.tif" x.tif $1 $2 96
}

piece 220 120

# degraded NAME NOISE OPERATOR: writes y.tif
degraded() {
	name=$1 noise=$2 operator=$3
	ok "$name" "$LACUNA" simulate x.tif -o y.tif -f -A "$operator" -n "$noise" --range 0:1
}

# restored FIGURE OPTIONS...: sets the shell variable FIGURE to the PSNR
restored() {
	figure=$1
	shift
	ok "$name: $figure $*" "$LACUNA" restore y.tif -o o.tif -f -A "$operator" -n "$noise" --range 0:1 "$@"
	"$LACUNA" compare --center --range 0:1 x.tif o.tif >figures
	eval $figure=`awk 'NR == 1 { print $2 }' figures`
}

# atleast GREATER LESS [DECIBELS]: one figure exceeds the other by DECIBELS; without that it may be slightly below
atleast() {
	eval "a=\$$1 b=\$$2"
	awk "BEGIN { exit !($a >= $b + ${3:--0.05}) }"
	tap_result $? "$name: $1 ($a dB) against $2 ($b dB)"
}

one="-g exact -s ode:steps=1,sigma_max=50"

degraded "noise" 0.1 identity
restored once $one
restored fast --method fast
restored best
atleast best once 0.02
atleast best fast

degraded "scattered pixels" 0.005 mask:keep=0.3,seed=1
restored once $one
restored fast --method fast
restored best
restored more --steps 30
atleast best once
atleast best fast
atleast more best

piece 300 100
degraded "holes" 0.002 mask:boxes=2,size=24,seed=2
restored once $one
restored fast --method fast
restored best
restored more --steps 30
atleast best once
atleast best fast
atleast more best

# Here a smooth guess would override the prior.
piece 400 200
degraded "holes across edges" 0.002 mask:boxes=2,size=24,seed=2
restored once $one
restored best
atleast best once

piece 220 120
degraded "blur" 0.01 blur:kind=disk,radius=2
restored fast --method fast
restored best
restored more --steps 20
restored most --steps 60
atleast best fast
# Single pictures may lose more than the mean of many, which loses at most 0.05 dB (doc/measurements.md).
atleast more best -0.1
atleast most best -0.1
restored plain -s hqs:momentum=0,falling=0,steps=12
atleast best plain

# What passes a strong blur is coarse, and so is the noise that a data step leaves: a constant lambda would add it up.
degraded "strong blur and noise" 0.1 blur:sigma=3
restored fast --method fast
restored best
restored weak -s hqs:lambda=0.4
noise=0.15
restored lie
atleast best fast
atleast best weak 0.5
atleast best lie
noise=0.1
# A network without training for rounds takes a strong prior badly, so it keeps its lambda.
restored small -p unet:model=photo-small
restored constant -p unet:model=photo-small -s hqs:lambda=0.4
atleast small constant

degraded "half the size" 0.001 downsample:factor=2,kernel=bicubic
restored fast --method fast
restored best
restored more --steps 30
truth=$noise noise=0.01
restored lie
noise=$truth
atleast best fast
atleast more best
atleast best lie

# Means over boxes have a closed form.  Combined with identity they are left to conjugate gradients, which with little noise
# hardly see the operator's null space.
degraded "boxes" 0.001 downsample:factor=2
small="$LACUNA restore y.tif -A downsample:factor=2 -n 0.001 --range 0:1 -p gaussian -s hqs:steps=8"
ok "data steps in closed form" $small -o closed.tif
ok "by conjugate gradients" $small -o iterated.tif -A identity
ok "they agree" "$LACUNA" compare --max-nrmse 3e-4 closed.tif iterated.tif
done_testing
