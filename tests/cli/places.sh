# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Where plugins are found: lacuna's own come first, LACUNA_PLUGIN_PATH adds directories, the user's directory needs no
# variable; a directory that others can write to is not used.
. "$abs_top_srcdir/tests/cli/common.sh"
umask 022
XDG_DATA_HOME=$tap_dir/data
export XDG_DATA_HOME
user=$XDG_DATA_HOME/lacuna/plugins/operators path=$tap_dir/path/operators
mkdir -p "$user" "$path"
$CC -shared -fPIC -O1 -I"$abs_top_srcdir/include" "$abs_top_srcdir/tests/plugins/broken/good.c" -o good.so || exit 99
sed 's/"good"/"blur"/' "$abs_top_srcdir/tests/plugins/broken/good.c" >blur.c
cp "$abs_top_srcdir"/tests/plugins/broken/good.h .
$CC -shared -fPIC -O1 -I"$abs_top_srcdir/include" blur.c -DNAME='"blur"' -o blur.so || exit 99
ok "picture" "$maketiff" in.tif uint8 24 20 1 1

simulate() {
	"$LACUNA" simulate in.tif -o out.tif -f "$@"
}

fails 2 "a file of the current directory has no name" simulate -A good
contains err "write ./good.so" "what to say is said"
fails 2 "nor with .so" simulate -A good.so
contains err "write ./good.so" "what to say is said then, too"
ok "its path" simulate -A ./good.so

cp good.so "$user"
ok "the user's directory needs no variable" simulate -A good
ok "list" "$LACUNA" list --paths operators
contains out "$user/good.so" "list: where it is"
(unset XDG_DATA_HOME; HOME=$tap_dir/home; export HOME; mkdir -p home/.local/share; cp -r data/lacuna home/.local/share
 "$LACUNA" list --paths operators) >out 2>&1
contains out "home/.local/share/lacuna/plugins/operators/good.so" "without XDG_DATA_HOME it is below ~/.local/share"

LACUNA_PLUGIN_PATH=$tap_dir/path:$LACUNA_PLUGIN_PATH
export LACUNA_PLUGIN_PATH
cp good.so "$path"
ok "list -v" "$LACUNA" list -v operators
contains out "  $tap_dir/path" "list -v: where plugins are sought"
matches out "hidden.*: $user/good.so" "list -v: the path comes before the user's directory"
contains out "$path/good.so" "list -v: the file that counts"
rm "$path/good.so"

cp blur.so "$path"
"$LACUNA" list operators >out
! grep -q hidden out
tap_result $? "list: what is hidden is not named"
"$LACUNA" list -v operators --json >out
contains out "\"hidden_by\": \"$abs_top_builddir/plugins/operators" "list --json: by what"
LACUNA_PLUGIN_PATH=$tap_dir/nowhere:$LACUNA_PLUGIN_PATH "$LACUNA" list -v operators >out
contains out "  $tap_dir/nowhere (does not exist)" "list -v: a place that is none"
ok "another blur" simulate -A blur:sigma=2
contains err "\"blur\" is taken from $abs_top_builddir/plugins/operators" "the name is lacuna's own, and this is said"
contains err "$path/blur.so" "and which it is not"
test "`grep -c warning err`" -eq 1
tap_result $? "once"
ok "list -v of it" "$LACUNA" list -v operators
matches out "hidden.*: $path/blur.so" "list -v: it is hidden"
ok "by its path it is there" "$LACUNA" help "$path/blur.so"
contains out "a test" "and is the other one"
LACUNA_PLUGIN_PATH=$tap_dir/path "$LACUNA" list operators >out 2>&1
contains out "a test" "where there is none of lacuna's own, the name is free"
rm "$path/blur.so"

# writable FILE REASON: the file is refused
writable() {
	fails 2 "$2" simulate -A good
	contains err "operator \"good\" is not used: $2 $1" "the reason: $2 $1"
	ok "list goes on" "$LACUNA" list -v operators
	matches out "good  *(unusable) $2 $1" "list: $2"
	matches out "  mask " "list: the others"
}
for place in "$XDG_DATA_HOME/lacuna/plugins" "$user" "$user/good.so"; do
	chmod o+w "$place"
	writable "$place" "every user may write to"
	chmod o-w "$place"
done
ok "mended" simulate -A good
mv "$user/good.so" "$path"
chmod o+w "$tap_dir/path"
writable "$tap_dir/path" "every user may write to"
chmod o-w "$tap_dir/path"
if test "`id -u`" -eq 0; then
	mv "$path/good.so" "$user"
	chown 12345 "$user"
	fails 2 "somebody else's" simulate -A good
	contains err "belongs to another user" "somebody else's: the reason"
	chown 0:12345 "$user"
	chmod g+w "$user"
	fails 2 "a group's" simulate -A good
	contains err "a group may write to" "a group's: the reason"
else
	skip "not root" "somebody else's directory"
fi
done_testing
