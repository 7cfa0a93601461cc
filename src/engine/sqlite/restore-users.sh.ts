// Generated from src/engine/sqlite/restore-users.sh by scripts/embed.ts.
export default "set -u\nenter \"$1\" || fail \"$1: its directory cannot be entered\"\nusers_of \"./$base\"";
