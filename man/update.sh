#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# update.sh LACUNA PAGE: prints the manual page with its OPTIONS made anew from the program's tables.
set -eu
lacuna=$1 page=$2
command=`sed -n 's/.*begin options: made by "lacuna help --man \(.*\)"/\1/p' "$page"`
sed '/^\.\\" begin options/q' "$page"
"$lacuna" help --man "$command"
sed -n '/^\.\\" end options/,$p' "$page"
