# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Disk faults, injected between the program and its C library (faults.c): each write, fsync, close and rename fails in turn.
# In each case the status is 1, one line gives the reason, old files are unchanged, and nothing is left behind.
. "$abs_top_srcdir/tests/cli/common.sh"

$CC -shared -fPIC -O1 "$abs_top_srcdir/tests/cli/faults.c" -o faults.so -ldl || {
	echo "Bail out! faults.so cannot be built"
	exit 99
}
shim=$tap_dir/faults.so
# AddressSanitizer wants to be the first library: turn that check off.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export ASAN_OPTIONS
ok "picture" "$maketiff" in.tif uint16 64 48 1 2
restore="$LACUNA restore -q -A identity -n 0.004 -p gaussian --steps 1"

# injected PLAN COMMAND...: runs the command with a fault; ./trace lists its calls
injected() {
	plan=$1
	shift
	rm -f "$tap_dir/trace"
	env LD_PRELOAD="$shim" LACUNA_FAULT_DIR=outputs LACUNA_FAULT_TRACE="$tap_dir/trace" LACUNA_FAULT="$plan" \
		LACUNA_FAULT_TARGET="$tap_dir/outputs/o" "$@"
}

fresh() {
	rm -rf outputs
	mkdir outputs
}

fresh
if injected none $restore in.tif -o outputs/o >out 2>err && grep -q '^write ' trace; then
	:
else
	skip "libraries cannot be preloaded here" "injected faults"
	done_testing
fi

# The order that survives a power failure: write, synchronise with the final mode, close, rename, synchronise the directory.
# Before it is complete, the file is private.
in_order() {
	order=`sed 's/ .*//' trace | uniq | tr '\n' ' '`
	test "$order" = "mode write mode fsync close rename directory " && grep -q '^directory .*/outputs$' trace
	tap_result $? "$1: written, synchronised, closed, renamed, the directory synchronised"
	echo "$order" | diag
}
in_order "a new file"
fresh
cp in.tif outputs/o
ok "over an old file" injected none $restore in.tif -o outputs/o --force
in_order "over an old file"
fresh
(cd outputs && injected none $restore ../in.tif -o o >out 2>&1)
tail -n 1 trace | grep -q '^directory .*/outputs$'
tap_result $? "a file in the current directory: this is synchronised, too"

# every NAME CALL REASON COMMAND...: each call of this kind fails in turn, for a new file and for one that is replaced
every() {
	name=$1 call=$2 reason=$3
	shift 3
	for old in "" old; do
		n=1 wrong=0
		while :; do
			fresh
			test -z "$old" || cp in.tif outputs/o
			status=0
			injected "$call:$n:$reason" "$@" ${old:+--force} >out 2>err || status=$?
			grep -q '^fault' trace || break
			lines=`wc -l <err`
			left=`ls -A outputs`
			if test $status -ne 1 || test $lines -ne 1 || test "$left" != "${old:+o}" ||
				{ test -n "$old" && ! cmp -s in.tif outputs/o; }; then
				wrong=1
				echo "$call $n: status $status, $lines lines, left: $left" | diag
				diag <err
			fi
			n=`expr $n + 1`
		done
		test $wrong -eq 0 && test $n -gt 1
		tap_result $? "$name: each of `expr $n - 1` calls of $call fails${old:+, over an existing file}"
		test $status -eq 0
		tap_result $? "$name: ... and without a fault all is well"
	done
}

for call in write fsync close rename; do
	every "restore" $call ENOSPC $restore in.tif -o outputs/o
	every "simulate" $call EIO "$LACUNA" simulate -q -A identity -n 0.01 in.tif -o outputs/o
	every "study" $call ENOSPC "$LACUNA" study -t cube -s ode:steps=2,from=noise --chains 16 -o outputs/o
done
# EXIF is written before the page.
cp in.tif exif.tif
ok "a picture with EXIF" "$maketiff" --exif exif.tif
every "EXIF" write EIO $restore exif.tif -o outputs/o
for call in write fsync close rename; do
	fresh
	fails 1 "a report: $call" injected $call:1:ENOSPC $restore in.tif -o o.tif --force --report outputs/o
	one_line "a report: $call"
	contains err "outputs/o: No space left" "a report: $call: which file, and why"
	nothing_left outputs "a report: $call"
done

# The disk's reason is told, whatever libtiff makes of it.
while read -r reason text; do
	fresh
	fails 1 "$reason" injected write:2:$reason $restore in.tif -o outputs/o
	contains err "outputs/o: cannot be written: $text" "$reason: which file, and why"
	one_line "$reason"
done <<-END
	ENOSPC No space left on device
	EDQUOT Disk quota exceeded
	EFBIG File too large
	EIO Input/output error
END

# Some file systems know no modes: that is no failure.
for n in 1 2; do
	fresh
	ok "a file system without modes, $n" injected mode:$n:EPERM $restore in.tif -o outputs/o
	test "`ls -A outputs`" = o
	tap_result $? "... the file is there"
done

# Some file systems cannot synchronise directories: that is no failure.
fresh
ok "a directory that cannot be synchronised" injected directory:1:EIO $restore in.tif -o outputs/o
ok "... the file is there" "$LACUNA" compare --max-nrmse 0.2 in.tif outputs/o

# Not failures: a short or an interrupted write.
fresh
ok "plain" $restore in.tif -o plain.tif
ok "plain report" $restore in.tif -o o.tif --force --report plain.json
for what in short EINTR; do
	fresh
	ok "a report, $what" injected write:1:$what $restore in.tif -o o.tif --force --report outputs/o
	test `wc -l <outputs/o` -eq `wc -l <plain.json`
	tap_result $? "a report, $what: all of it"
done
n=1
while :; do
	fresh
	ok "a picture, short write $n" injected write:$n:short $restore in.tif -o outputs/o
	grep -q '^fault' trace || break
	ok "a picture, short write $n: the same" identical plain.tif outputs/o
	n=`expr $n + 1`
done

# Another program writes the target during the computation.
fresh
fails 1 "the target has appeared meanwhile" injected fsync:1:appear $restore in.tif -o outputs/o
contains err "was created by another process meanwhile; --force replaces it" "the target has appeared meanwhile: remedy"
contains outputs/o "another program's" "... it is as it was"
test "`ls -A outputs`" = o
tap_result $? "... nothing else is there"
# The same at the last moment, and on file systems without hard links.
fresh
fails 1 "the target appears in the last moment" injected rename:1:appear $restore in.tif -o outputs/o
contains err "was created by another process meanwhile; --force replaces it" "the target appears in the last moment: remedy"
contains outputs/o "another program's" "... it is as it was"
test "`ls -A outputs`" = o
tap_result $? "... nothing else is there"
fresh
fails 1 "... without links, too" injected rename:1:taken $restore in.tif -o outputs/o
contains err "was created by another process meanwhile; --force replaces it" "... without links, too: remedy"
contains outputs/o "another program's" "... it is as it was"
for reason in EPERM EOPNOTSUPP ENOSYS EMLINK; do
	fresh
	ok "a file system without links ($reason)" injected rename:1:$reason $restore in.tif -o outputs/o
	ok "... the file is there" identical plain.tif outputs/o
	test "`ls -A outputs`" = o
	tap_result $? "... nothing else is there"
done

# Either all outputs appear or none: all are written before the first is renamed.
for call in write fsync close; do
	fresh
	n=1
	while :; do
		rm -f outputs/*
		injected $call:$n:ENOSPC $restore in.tif -o outputs/o --report outputs/r --html outputs/p >out 2>err &&
			break
		test -z "`ls -A outputs`" || break
		n=`expr $n + 1`
	done
	test $n -gt 3 && test "`ls -A outputs | tr '\n' ' '`" = "o p r "
	tap_result $? "of three outputs, each of `expr $n - 1` calls of $call fails: none is there"
done
# The picture is renamed last: when it exists, so do the report and the page.
fresh
ok "three outputs" injected none $restore in.tif -o outputs/o --report outputs/r --html outputs/p
test "`grep '^rename' trace | tail -n 1 | sed 's/.*\///'`" = o -a `grep -c '^rename' trace` -eq 3
tap_result $? "the picture gets its name last"
fresh
ok "with --force it is replaced" injected fsync:1:appear $restore in.tif -o outputs/o --force
ok "... by the picture" identical plain.tif outputs/o

# The mode of a replaced file, and the file behind a link.
fresh
cp in.tif outputs/o
chmod 640 outputs/o
ln -s o outputs/link
ok "a file behind a link is replaced" $restore in.tif -o outputs/link --force
test -L outputs/link && identical plain.tif outputs/o >out 2>&1
tap_result $? "the link is still one, the file is new"
test "`ls -l outputs/o | cut -c 1-10`" = "-rw-r-----"
tap_result $? "its mode is the old file's"
# A new file is readable for those who can read the input, and its owner may write it.
for mode in 600:-rw------- 640:-rw-r----- 444:-rw-r--r-- 400:-rw-------; do
	fresh
	cp in.tif private.tif
	chmod ${mode%%:*} private.tif
	(umask 022 && $restore private.tif -o outputs/new >out 2>&1)
	test "`ls -l outputs/new | cut -c 1-10`" = ${mode#*:}
	tap_result $? "an input of mode ${mode%%:*}: the result has ${mode#*:}"
	rm -f private.tif outputs/new
done
(umask 077 && $restore in.tif -o outputs/new >out 2>&1)
test "`ls -l outputs/new | cut -c 1-10`" = "-rw-------"
tap_result $? "a new file has the mode of the umask"

# A reference is an input: --force does not replace it.
cp in.tif reference.tif
fails 1 "output = reference" $restore in.tif --reference reference.tif -o reference.tif --force
ok "the reference is untouched" cmp in.tif reference.tif
fails 1 "report = input" $restore reference.tif -o other.tif --report reference.tif --force
fails 1 "spread = input" $restore reference.tif -o other.tif -s ddpm --samples 2 --std reference.tif --force
ok "the input is untouched" cmp in.tif reference.tif
done_testing
