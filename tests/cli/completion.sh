# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Completion: the program's candidates, and the bash function that uses them.
. "$abs_top_srcdir/tests/cli/common.sh"

# offers CANDIDATE WORD...: CANDIDATE is offered for the last word
offers() {
	candidate=$1
	shift
	"$LACUNA" complete "$@" >out 2>err
	grep -q -x -e "$candidate" out
	tap_result $? "'$*' offers $candidate"
	test ! -s err || diag <err
}

offers restore re
offers --version --v
offers --operator restore --op
offers --output restore --o
offers --output restore -
offers identity restore in.tif -A id
offers identity restore --operator ""
offers gaussian restore -p ga
offers blur:sigma= restore -A blur:s
offers blur:sigma=2,boundary=valid restore -A blur:sigma=2,boundary=v
offers blur:normalize=yes restore -A blur:normalize=
offers blur:normalize=no restore -A blur:normalize=
offers "@file" restore --force ""
offers "@file mask:file=" restore -A mask:file=
offers "@file" restore -o ""
offers "@directory" restore --all-samples ""
offers "@file" restore ""
offers best restore --method b
offers float32 simulate --type f
offers operator help o
offers restore help r
offers blur help operator b
offers samplers list s
offers sampler new s
offers --nonlinear new operator mine --n
offers fortran new operator mine --language f
offers blur try operator b
offers "@file" try ""
# nothing WORD...: nothing is offered
nothing() {
	"$LACUNA" complete "$@" >out 2>&1
	test ! -s out
	tap_result $? "'$*' offers nothing"
	diag <out
}
nothing restore -A identi:
nothing restore -A mask:fil=
nothing list samplers d
nothing comple

# reply WORDS...: prints COMPREPLY of the bash function for this command line
if test -n "$BASH_VERSION" || bash -c : 2>/dev/null; then
	cp "$abs_top_srcdir/completion/lacuna" function
	: >picture.tif
	cat >drive <<'END'
. ./function
COMP_LINE=$1 COMP_POINT=${#1}
_lacuna
printf '%s\n' "${COMPREPLY[@]}"
END
	for pair in "rest=restore" "restore -A iden=identity" "restore -A blur:boundary=per=periodic" "restore -A blur:bound=boundary=" \
		"restore -A mask:file=pict=picture.tif" "restore -o pic=picture.tif" "restore --meth=--method"; do
		typed=${pair%=*} wanted=${pair##*=}
		case $pair in *=) typed=${pair%=*=} wanted=boundary= ;; esac
		bash drive "$LACUNA $typed" >out 2>err
		grep -q -x -e "$wanted" out
		tap_result $? "bash: '$typed' becomes $wanted"
		cat err | diag
	done
	ok "bash: loads" bash -n function
else
	skip "no bash" "the bash function"
fi
done_testing
