// Generated from src/engine/postgres/restore-psql.sh by scripts/embed.ts.
export default "trap : HUP INT TERM\npsql=$1\nconninfo=$2\nscript=$3\nshift 3\nprintf '%s\\n' \"$script\" | \"$psql\" -XqAtw -v ON_ERROR_STOP=1 \"$@\" -d \"$conninfo\"";
