// Generated from src/engine/postgres/restore-hold.sh by scripts/embed.ts.
export default "trap : HUP INT TERM\npsql=$1\nconninfo=$2\nscript=$3\nshift 3\n{\n  trap : HUP INT TERM\n  printf '%s\\n' \"$script\"\n  while IFS= read -r _ <&7; do\n    echo 'SELECT;' || exit\n  done\n} | \"$psql\" -XqAtw -v ON_ERROR_STOP=1 \"$@\" -d \"$conninfo\"";
