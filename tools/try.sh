#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# The first thing to run: installs what the build needs, builds, restores a blurred and noisy photograph that comes with
# Lacuna, and reports the improvement.  Changes nothing outside build/.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
build=$source/build
samples=$source/data/samples

"$source/tools/install-packages.sh"
echo "Building in $build"
"$source/tools/build.sh" "$build"

LACUNA_PLUGIN_PATH=$build/plugins
LACUNA_DATA_PATH=$source/data
export LACUNA_PLUGIN_PATH LACUNA_DATA_PATH
set -- "$build/lacuna" restore "$samples/colosseum-blurred.tif" -o "$build/colosseum-restored.tif" \
	-A blur:kind=disk,radius=2.5 --reference "$samples/colosseum.tif" --force
echo "Restoring: lacuna restore data/samples/colosseum-blurred.tif -o build/colosseum-restored.tif -A blur:kind=disk,radius=2.5"
"$@"
echo "The result: $build/colosseum-restored.tif"
