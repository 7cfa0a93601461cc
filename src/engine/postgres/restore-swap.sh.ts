// Generated from src/engine/postgres/restore-swap.sh by scripts/embed.ts.
export default "trap : HUP INT TERM\npsql=$1\nconninfo=$2\nclearing=$3\nstep=$4\nshift 4\nask() {\n  trap : HUP INT TERM\n  script=$1\n  shift\n  printf '%s\\n' \"$script\" | \"$psql\" -XqAtw -v ON_ERROR_STOP=1 \"$@\" -d \"$conninfo\"\n}\nask \"$clearing\" \"$@\" >&2 | ask \"$step\"";
