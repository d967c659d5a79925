# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# The plugins "process": correct programs pass lacuna check, wrong ones end in one line, and no process or file of theirs is
# left.
. "$abs_top_srcdir/tests/cli/common.sh"
# A unique name, to be found among all processes.
speaker=$tap_dir/speaker-$$
cp "$abs_top_builddir/tests/plugins/speaker" "$speaker" || exit 99
ok "picture" "$maketiff" in.tif uint8 24 20 1 1
simulate() {
	"$LACUNA" simulate in.tif -o out.tif -f -A "$@"
}
# until_true COMMAND ...: waits for something that must happen, however busy the machine is; fails after a minute
until_true() {
	tap_rounds=0
	until "$@"; do
		tap_rounds=`expr $tap_rounds + 1`
		test $tap_rounds -lt 600 || return 1
		sleep 0.1
	done
}
speakers() {
	ps -e -o pid,ppid,args | grep -v grep | grep "$speaker" >left
}
no_speakers() {
	! speakers
}
none_left() {
	until_true no_speakers
	tap_result $? "$1: no process is left"
}

ok "a linear operator" "$LACUNA" check operator process:command="$speaker half"
ok "one whose shapes differ" "$LACUNA" check operator process:command="$speaker narrow" --x-shape 8x5,2x2x3,30x20
ok "one that is not linear" "$LACUNA" check operator process-nonlinear:command="$speaker square"
ok "a prior" "$LACUNA" check prior process:command="$speaker plain"
ok "a prior with maps" "$LACUNA" check prior process-map:command="$speaker shrink"
none_left "check"
fails 1 "a wrong adjoint" "$LACUNA" check operator process:command="$speaker wrong"
matches out "^not ok .*(Ax, y) = (x, A'y)" "a wrong adjoint: found"

$CC -shared -fPIC -O1 -I"$abs_top_srcdir/include" "$abs_top_srcdir/tests/plugins/broken/good.c" -o good.so || exit 99
"$LACUNA" simulate in.tif -o half.tif -A ./good.so
ok "simulate" simulate process:command="$speaker half"
ok "it computes what a plugin in C computes" identical half.tif out.tif
ok "quotes keep blanks" sh -c "mkdir 'a b'; cp $speaker 'a b/$(basename $speaker)'"
ok "a path with a blank" simulate "process:command='$tap_dir/a b/$(basename $speaker)' half"
ok "restore" "$LACUNA" restore half.tif -o r.tif -A process:command="$speaker half" -n 0.01 -g prox -s ode --steps 3 -p process:command="$speaker plain" -q
none_left "restore"
mkdir many
for i in 1 2 3 4; do cp half.tif many/$i.tif; done
ok "batch" "$LACUNA" batch many done -A process:command="$speaker half" -n 0.01 -g prox -s ode:steps=3 -p process:command="$speaker plain" -j 2
for i in 1 2 3 4; do
	same_text done/$i.tif done/1.tif "batch: picture $i"
done
none_left "batch"

# wrong WHAT TEXT [TIMEOUT]
wrong() {
	fails 1 "$1" simulate "process:command=$speaker $1,timeout=${3:-20}"
	one_line "$1"
	contains err "$2" "$1: $2"
}
ok "errors, one after the other" "$abs_top_builddir/tests/plugins/process" again "process:command=$speaker error"
ok "rounds" "$abs_top_builddir/tests/plugins/process" round "process:command=$speaker rounds"
test -n "$LACUNA_SANITIZED" || wrong crash "was killed by a signal (Segmentation fault) during call \"apply\""
wrong hang "did not answer call \"apply\" within 3 s; raise timeout=" 3
wrong garbage "gave a wrong answer to call \"apply\", \"hello world?\": it is not a JSON object"
wrong twice "it has more than one line"
wrong long "its line is too long"
wrong error "failed in call \"apply\": ValueError: no   such picture"
wrong old "\"protocol\" must be 1"
fails 1 "exit" simulate "process:command=$speaker exit"
contains err "exited with status 3 during call \"apply\": no luck today" "exit: its last words"
contains err "process: reading the table" "exit: all of its words"
test "`wc -l <err`" -eq 3
tap_result $? "exit: the error is one line"
fails 1 "no such program" simulate process:command=./nothing.here
contains err "cannot run it: No such file or directory" "no such program: the reason"
fails 1 "half a quote" simulate "process:command=$speaker 'half"
contains err "close every quote" "half a quote: the reason"
fails 1 "linear where it is not" simulate "process:command=$speaker square"
contains err "use process-nonlinear" "linear where it is not: what to use"
fails 1 "a map where there is none" "$LACUNA" restore half.tif -o r2.tif -A identity -n 0.1 -p process-map:command="$speaker plain"
contains err "does not take a map of sigma; use process:" "a map where there is none: what to use"
fails 1 "no range of sigma" "$LACUNA" restore half.tif -o r2.tif -A identity -n 0.1 -p process:command="$speaker empty"
contains err "gives an invalid range of sigma: sigma_min 10, sigma_max 10" "no range of sigma: which"
fails 2 "no command" simulate process
contains err command "no command: the parameter is named"
ok "what it says is passed on" simulate "process:command=$speaker talk"
contains err "process: thinking" "what it says is passed on: a line"
ok "unless quiet" simulate "process:command=$speaker talk" -q
test ! -s err
tap_result $? "unless quiet: nothing"
none_left "failures"

fails 1 "a timeout of process-nonlinear" simulate "process-nonlinear:command=$speaker hang,timeout=3"
contains err "within 3 s; raise timeout=" "a timeout of process-nonlinear: told"
fails 1 "a timeout of process-map" "$LACUNA" restore half.tif -o r2.tif -f -A identity -n 0.1 -p process-map:command="$speaker hang",timeout=3
contains err "within 3 s; raise timeout=" "a timeout of process-map: told"
fails 1 "a timeout of a prior" "$LACUNA" restore half.tif -o r2.tif -f -A identity -n 0.1 -p process:command="$speaker hang",timeout=2
contains err "within 2 s; raise timeout=" "a timeout of a prior: told"

# The process is killed on either side, during each kind of call.
"$LACUNA" simulate in.tif -o k.tif -A "process:command=$speaker hang" >/dev/null 2>&1 &
lacuna=$!
until_true speakers
sleep 0.3
kill -9 $lacuna
wait $lacuna 2>/dev/null
none_left "lacuna was killed"
"$LACUNA" simulate in.tif -o k.tif -A "process:command=$speaker hang" >out 2>err &
lacuna=$!
its_child() {
	speakers && child=`awk -v p=$lacuna '$2 == p { print $1 }' left` && test -n "$child"
}
until_true its_child
sleep 0.3
kill -9 $child
wait $lacuna
test $? -eq 1
tap_result $? "the program was killed: status 1"
contains err "was killed by a signal (Killed)" "the program was killed: told"
none_left "the program was killed"
test ! -e k.tif
tap_result $? "no picture is left"
test -z "`ls /dev/shm 2>/dev/null | grep -i lacuna-process`"
tap_result $? "no shared memory is left"

# Python
python=
for candidate in $PYTHON python3 python; do
	$candidate -c 'import numpy' >/dev/null 2>&1 && python=$candidate && break
done
if test -n "$python"; then
	ok "numpy" "$LACUNA" check operator process:command="$python -m blur_numpy" --shape 20x17,9x12x3,4x4,31x30
	cat >mistakes.py <<'END'
import numpy as np
from lacuna_process import Operator, serve
class Mistakes(Operator):
    def apply(self, x):
        print("printing is harmless")
        return x[..., 1:]
serve(Mistakes)
END
	fails 1 "an exception" simulate process:command="$python mistakes.py"
	contains err 'failed in call "apply": ValueError: the result has the shape (1, 1, 20, 23), not (1, 1, 20, 24)' \
		"an exception is the error"
	sed 's/return x.*/return x + nothing/' mistakes.py >typo.py
	fails 1 "another one" simulate process:command="$python typo.py"
	contains err "NameError: name 'nothing' is not defined (typo.py:6)" "another one: where it is"
	contains err "process: printing is harmless" "what it prints is passed on"
else
	skip "no Python with numpy" "numpy"
fi
if test -n "$python" && $python -c 'import torch' >/dev/null 2>&1; then
	if "$LACUNA" help prior unet >/dev/null 2>&1; then
		model=photo-small
		"$abs_top_builddir/tests/plugins/process" unet:model=$model,precision=f32 \
			process-map:command="$python -m unet_torch --model $model --device cpu --threads 1" >agree 2>err
		tap_result $? "the network in C and in PyTorch"
		diag <agree
		diag <err
	else
		skip "no neural prior" "the network in C and in PyTorch"
	fi
else
	skip "no Python with torch" "the network in C and in PyTorch"
fi
done_testing
