# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# help, list, --version, check: every option and plugin is explained, and a broken plugin is reported in one line.
. "$abs_top_srcdir/tests/cli/common.sh"
ok "--version" "$LACUNA" --version
matches out '^lacuna [0-9]' "--version: form"
ok "--help" "$LACUNA" --help
cp out all
for command in restore batch simulate compare study list help check; do
	contains all "  $command " "--help names $command"
	ok "$command --help" "$LACUNA" $command --help
	cp out page
	test ! -s err
	tap_result $? "$command --help: nothing on stderr"
	ok "help $command" "$LACUNA" help $command
	same_text out page "$command --help is help $command"
	"$LACUNA" complete $command -- >options
	test -s options
	tap_result $? "$command has options"
	while read option; do
		contains page "$option" "help $command explains $option"
	done <options
	awk 'length > 79' page >long
	test ! -s long
	tap_result $? "help $command fits 80 columns"
done

ok "list" "$LACUNA" list
test ! -s err
tap_result $? "list: nothing on stderr"
for family in operators priors guidances samplers; do
	contains out "$family:" "list has $family"
done
cp out all
ok "list priors" "$LACUNA" list priors
contains out "gaussian" "list priors: gaussian"
grep -q mask out && not=1 || not=0
tap_result $not "list priors: no operators"
"$LACUNA" list --json >json
for family in operator prior guidance sampler; do
	for name in `sed -n "/^${family}s:/,/^[a-z]*:\$/{s/^  \([a-z0-9-]*\) .*/\1/p;}" all | sort -u`; do
		grep -q "^  $name .*(unusable)" all && continue
		contains json "\"name\": \"$name\"" "list --json names $name"
		"$LACUNA" help $family $name >page 2>err || continue
		contains page "$family $name: " "help $family $name"
		case $family in operator) letter=A ;; prior) letter=p ;; guidance) letter=g ;; sampler) letter=s ;; esac
		contains page "Usage: -$letter $name" "help $family $name: its option"
		"$LACUNA" complete restore -$letter $name: | sed "s/^$name:\(.*\)=/\1/" >keys
		sed -n 's/^  \([a-z][a-z0-9_]*\).*/\1/p' page >explained
		grep -v -x -f explained keys >missing
		test ! -s missing
		tap_result $? "help $family $name explains each parameter"
		diag <missing
		contains page ", GPL-3.0-or-later" "help $family $name: its license"
		ok "help $family $name --man" "$LACUNA" help $family $name --man
		contains out ".Sh DESCRIPTION" "help $family $name --man: mdoc"
	done
done
ok "a plugin by its name alone" "$LACUNA" help blur
contains out "(valid|periodic) [valid]" "choices and default are shown"
ok "a sampler, too" "$LACUNA" help ddpm
contains out "sampler ddpm: " "which it says"
ok "a long parameter" "$LACUNA" help warp
matches out "^  interpolation$" "has a line of its own"
fails 2 "a command for programs" "$LACUNA" help complete
fails 2 "nearly a family" "$LACUNA" help samplersx
for family in priors guidances samplers; do
	"$LACUNA" list $family >out
	test `grep -c '^  others:$' out` -eq 1
	tap_result $? "list $family: others follow those that a method uses, under a heading"
done
ok "help of a family" "$LACUNA" help samplers
contains out "ddpm" "help of a family lists it"

mkdir -p own/operators
echo "no shared object" >own/operators/broken.so
LACUNA_PLUGIN_PATH=$tap_dir/own:$LACUNA_PLUGIN_PATH "$LACUNA" list operators >out 2>err
tap_result $? "a broken plugin does not fail the list"
matches out '^  broken  *(unusable) ' "it is a line of the list"
LACUNA_PLUGIN_PATH=$tap_dir/own:$LACUNA_PLUGIN_PATH "$LACUNA" list operators --json >json
contains json '"unusable": "is not a shared object"' "the reason is in JSON, too"
contains out "mask" "the others are there"
LACUNA_PLUGIN_PATH=$tap_dir/own "$LACUNA" help operator broken >out 2>err
test $? -eq 1
tap_result $? "help of it fails"
one_line "help of it"
contains err "own/operators/broken.so: " "help of it: the file"
LACUNA_PLUGIN_PATH=$tap_dir/nowhere "$LACUNA" list >out 2>err
tap_result $? "no plugins at all"
contains err "$tap_dir/nowhere" "no plugins at all: where they were sought"
fails 1 "check refuses it" "$LACUNA" check own/operators/broken.so
one_line "check refuses it"
ok "check" "$LACUNA" check operator mask:keep=0.5
contains out "ok 1 - " "check prints TAP"
matches out '^1\.\.[1-9]' "check: plan"
done_testing
