package sandbox

// initScript is the first process of the sandbox. Its arguments are the cgroup in which all are kept together, a folder for small files, and the
// program with its arguments. As the first process it also takes in and buries what daemons leave.
//
// All of /proc/sys is read-only but the network's part, which belongs to the sandbox alone. A kubelet wants to set some of the rest,
// unless it finds the values that it would set: so it finds them, in small files laid over the entries. The machine keeps its own.
const initScript = `
set -eu
echo 0 >"$1/cgroup.procs"
mount --make-rprivate /
mount -t proc none /proc
mount --bind /proc/sys /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,ro /proc/sys
` + kubeletSysctls + `
for hidden in /run /var/lib /var/log; do
	mount -t tmpfs -o mode=0755 none "$hidden"
done
ip link set lo up
shift 2
set +e
"$@"
exit $?
`

// kubeletSysctls lays what kubelet 1.36 wants (its setupKernelTunables) over the machine's settings.
const kubeletSysctls = `
while read -r name value; do
	[ -e "/proc/sys/$name" ] || continue
	file=$2/$(echo "$name" | tr / .)
	echo "$value" >"$file"
	mount --bind "$file" "/proc/sys/$name"
	mount -o remount,bind,ro "/proc/sys/$name"
done <<END
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
END`

// watchdogScript removes what the kernel leaves when the sandbox is gone. Its arguments are the folder, a cgroup's file and what to write
// to it at the end (word by word, both may be empty), and the sandbox's cgroup in each hierarchy. It blocks on its standard input, a
// pipe that only the caller of Run holds open, until the caller closes it or dies; the sandbox's first process is dead then, or dying.
// Everything is tried more than once: processes take a moment to end, and a cgroup can only be removed after its last process. What it
// says, if it fails, is what is left.
const watchdogScript = `
read -r word
cd / || exit 1
folder=$1
control=$2
words=$3
shift 3
for try in $(seq 100); do
	for group in "$@"; do
		[ -d "$group" ] || continue
		for pid in $(find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null); do
			[ "$pid" = 0 ] || kill -KILL "$pid" 2>/dev/null
		done
		find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
	done
	rm -rf --one-file-system -- "$folder" 2>/dev/null
	left=
	for path in "$folder" "$@"; do
		[ -e "$path" ] && left="$left $path"
	done
	if [ -z "$left" ]; then
		for word in $words; do
			echo "$word" >"$control" # fails if somebody else has come to need it
		done 2>/dev/null
		exit 0
	fi
	sleep 0.1
done
echo "left behind:$left" >&2
exit 1
`
