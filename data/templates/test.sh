#!/bin/sh
# SPDX-License-Identifier: MIT
# "make check" runs this: it tests the promises of the contract for several parameters, and a small restoration.
set -eu
lacuna=${LACUNA:-lacuna}

# EDIT: the parameters that matter.  A line "not ok" says which property does not hold, and how to repeat the test.
for parameters in "" @TRIED@; do
	echo "# lacuna check ./@NAME@.so$parameters"
	"$lacuna" check --quiet "./@NAME@.so$parameters"
done

# A whole restoration must work, too; "lacuna try ./@NAME@.so" shows more of it.
"$lacuna" try --size 64 ./@NAME@.so
echo "@NAME@: all is well"
