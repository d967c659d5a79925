# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Hosts that share a directory.  Each has its own host name, network and process ids (namespaces, as in containers); two have
# the same name.  They share the pictures and the windows of a large one, and one host loses power.  Then two hosts reach the
# directory over a network file system, each with its own cache (sshfs, without a network).  Long: only with LACUNA_LONG, and
# where namespaces can be created.
. "$abs_top_srcdir/tests/cli/common.sh"
if test -z "$LACUNA_LONG"; then
	skip "long; LACUNA_LONG=1 runs it" "hosts"
	done_testing
	exit
fi
if ! unshare -n -u -p -f --mount-proc true 2>/dev/null; then
	skip "no namespaces" "hosts"
	done_testing
	exit
fi

how="-A identity -p gaussian -m fast -n 0.02 --no-html --memory 54M -j1"
# host NAME COMMAND ...: runs the command on that host; use it with &
host() {
	name=$1
	shift
	exec unshare -n -u -p -f --kill-child --mount-proc sh -c 'hostname $0; exec "$@"' $name "$@"
}

mkdir in
for i in `seq 10 49`; do
	"$maketiff" in/$i.tif uint8 $i 30 1 1 || exit 99
done
"$maketiff" in/large.tif uint8 800 500 1 1
"$LACUNA" batch in single $how -q
same_tree() {
	(cd in && ls) >pictures
	same_files single $1 "$2" <pictures
	ok "$2: each once" test `cat $1/.lacuna/journal-*.jsonl | grep -c '"state":"done"'` -eq 41
	ok "$2: nothing is left" test -z "`ls $1/.lacuna/claims`" -a ! -e $1/.lacuna/parts
}

for name in one two three three; do
	host $name "$LACUNA" batch in shared $how -q >/dev/null 2>&1 &
done
wait
same_tree shared "four hosts make the bits of one"
ok "all were at work" test `grep -l '"state":"done"' shared/.lacuna/journal-*.jsonl | wc -l` -gt 1

# One dies while it holds claims; the others wait until its file has not been touched for two minutes.
host one "$LACUNA" batch in lost $how -q >/dev/null 2>&1 &
pid=$!
round=0
while test -z "`find lost -name '[0-9]*.part' 2>/dev/null`" -a $round -lt 600; do
	sleep 0.05
	round=`expr $round + 1`
done
kill -9 $pid
wait $pid 2>/dev/null
ok "a host that died leaves claims" test -n "`ls lost/.lacuna/claims`"
host one "$LACUNA" batch in lost $how -q >/dev/null 2>&1 &
host two "$LACUNA" batch in lost $how -q >/dev/null 2>&1 &
wait
same_tree lost "the others end its work"

sftp=/usr/lib/openssh/sftp-server
printf '#!/bin/sh\nexec %s\n' $sftp >server
chmod +x server
mkdir far near
mounted=
for d in far near; do
	sshfs -o ssh_command="`pwd`/server" "here:`pwd`" $d 2>/dev/null && mounted="$mounted $d"
done
if test "$mounted" = " far near"; then
	for d in far near; do
		host $d "$LACUNA" batch $d/in $d/mounted $how -q >/dev/null 2>&1 &
	done
	wait
	for d in $mounted; do
		fusermount -u $d
	done
	same_tree mounted "two hosts with a mounted directory make the bits of one"
else
	skip "no sshfs" "a mounted directory"
fi
done_testing
