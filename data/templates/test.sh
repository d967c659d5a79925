#!/bin/sh
# SPDX-License-Identifier: MIT
# What "make check" runs: the promises of the contract, for several parameters, and a small restoration.
set -eu
lacuna=${LACUNA:-lacuna}

# EDIT: the parameters that matter.  A line "not ok" says what does not hold, and how to repeat it.
for parameters in "" @TRIED@; do
	echo "# lacuna check ./@NAME@.so$parameters"
	"$lacuna" check --quiet "./@NAME@.so$parameters"
done

# It must work as a whole, too; "lacuna try ./@NAME@.so" shows more of it.
"$lacuna" try --size 64 ./@NAME@.so
echo "@NAME@: all is well"
