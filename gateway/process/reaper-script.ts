// The program of the reaper, for any POSIX shell (dash, bash, busybox). Its environment holds what is known at its start:
//   run               first half of the mark of every tree of this gateway
//   trees             " PID:START" for every tree
// Then it reads lines until its input ends:
//   + PID START       a tree was started; START is the leader's start time, without spaces
//   - PID             that tree is gone
// The end of the input means that the gateway is gone, however it went.
import { TREE_MARK } from './process-table'

export const reaperScript = `
trap '' INT TERM HUP
while read -r what pid start; do
  case $what in
    +) trees="$trees $pid:$start" ;;
    -) kept=
       for tree in $trees; do
         case $tree in "$pid":*) ;; *) kept="$kept $tree" ;; esac
       done
       trees=$kept ;;
  esac
done
[ -n "$run" ] || exit 0

if [ -r /proc/self/stat ]; then
  # One line per process: pid, parent, group, start time.
  table() {
    for file in /proc/[0-9]*/stat; do
      { read -r line < "$file"; } 2>/dev/null || continue
      process=\${line%% *}
      set -- \${line##*) }
      case $1 in [ZX]) ;; *) echo "$process $2 $3 \${20}" ;; esac
    done
  }
  marked() {
    for file in $(grep -lF "${TREE_MARK}=$run-" /proc/[0-9]*/environ 2>/dev/null); do
      file=\${file#/proc/}
      echo "\${file%/environ}"
    done
  }
else
  table() { ps -A -o pid=,ppid=,pgid=,lstart= | awk '{ print $1, $2, $3, $4 "_" $5 "_" $6 "_" $7 "_" $8 }'; }
  # The mark goes to awk over a pipe: on its command line awk would find itself.
  marked() {
    { echo "$run"; ps -AEww -o pid=,command=; } |
      awk 'NR == 1 { mark = "${TREE_MARK}=" $0 "-"; next } index($0, mark) { print $1 }'
  }
fi

# Everything ours, as " pid:start" words in $ours: what was found before and still is the same process, what is marked,
# what is in the group of a leader that is itself or gone, and all that descends from these.
find_ours() {
  now=$(table)
  marks=" $(echo $(marked)) "
  before=$ours
  ours=
  # A group whose leader's number now belongs to a later process is not ours any more.
  stale=' '
  while read -r process parent group start; do
    case "$trees " in
      *" $process:$start "*) ;;
      *" $process:"*) stale="$stale$process " ;;
    esac
  done <<END
$now
END
  while :; do
    count=\${#ours}
    while read -r process parent group start; do
      [ -n "$start" ] || continue
      case "$ours " in *" $process:$start "*) continue ;; esac
      case "$before " in *" $process:$start "*) ours="$ours $process:$start"; continue ;; esac
      case $marks in *" $process "*) ours="$ours $process:$start"; continue ;; esac
      case $ours in *" $parent:"*) ours="$ours $process:$start"; continue ;; esac
      case $stale in *" $group "*) continue ;; esac
      case $trees in *" $group:"*) ours="$ours $process:$start" ;; esac
    done <<END
$now
END
    [ "\${#ours}" -gt "$count" ] || break
  done
}

signal_all() {
  find_ours
  [ -n "$ours" ] || return 1
  for process in $ours; do kill -s "$1" "\${process%%:*}" 2>/dev/null; done
  return 0
}

ours=
signal_all TERM || exit 0
for turn in 1 2 3 4 5; do
  sleep 0.2
  find_ours
  [ -n "$ours" ] || exit 0
done
for turn in 1 2 3 4 5; do
  signal_all KILL || exit 0
  sleep 0.1
done
`
